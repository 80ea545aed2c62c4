import { GatewayError } from '../domain/gateway-error.ts';
import { readBody } from './body-facts.ts';
import type { JsonFacts } from './json-reader.ts';
import { refuseHiddenCalls } from './jsonrpc-calls.ts';
import type { PointerTree } from './pointer-tree.ts';
import { keyIn } from './query-value.ts';

/** What has to be known of a body: see `Decision`. */
export interface AskedMembers {
  readonly pointers: PointerTree;
  /** The members at the top of a body that conditions ask for. */
  readonly members: readonly string[];
  readonly byCall: boolean;
  readonly isJsonrpc: boolean;
}

/**
 * The calls of a body that decides. A key of the query with the name of a member that decides is refused: servers such as
 * LiteLLM take `?model=` for the body's `model`.
 *
 * @throws GatewayError `body_ambiguous`, `request_ambiguous`
 */
export function readCalls(
  { pointers, members, byCall, isJsonrpc }: AskedMembers,
  { rawHeaders, query }: { readonly rawHeaders: readonly string[]; readonly query: string },
  bytes: Buffer,
): readonly JsonFacts[] {
  const twin = keyIn(query, members);
  if (twin !== undefined) {
    const detail = `The query has a key ${JSON.stringify(twin)}, which some APIs take for the body's.`;
    throw new GatewayError('request_ambiguous', { detail });
  }
  const { calls } = readBody(bytes, rawHeaders, pointers, byCall);
  if (isJsonrpc) refuseHiddenCalls(calls, bytes);
  return calls;
}

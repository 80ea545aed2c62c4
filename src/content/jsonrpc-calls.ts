import { bodyAmbiguous } from './json-fault.ts';
import type { JsonFacts } from './json-reader.ts';

/** The member of a JSON-RPC call with its method. */
export const JSONRPC_METHOD = '/method';

const VERSION = '/jsonrpc';
const FIRST_ITEM = '/0';

/** What has to be read of a JSON-RPC call. */
export const JSONRPC_POINTERS = ['', JSONRPC_METHOD, VERSION, FIRST_ITEM] as const;

/**
 * Refuses a body in which some servers find more calls than others: a list within a list of calls, an object with a key
 * `0`, which PHP takes for the first item of a list, and a call without a version that holds another call, for
 * `datto/json-rpc` runs all that stands in an object without `jsonrpc`.
 *
 * @throws GatewayError `body_ambiguous`
 */
export function refuseHiddenCalls(calls: readonly JsonFacts[], bytes: Buffer): void {
  let values: readonly unknown[] | undefined;
  calls.forEach((call, index) => {
    if (call.get('')?.kind !== 'object') throw bodyAmbiguous('A call of JSON-RPC is an object, and no list or text.');
    if (call.has(FIRST_ITEM))
      throw bodyAmbiguous('The call has a key "0", which some servers take for a list of calls.');
    if (call.get(VERSION)?.kind === 'text') return;
    values ??= valuesIn(bytes);
    if (holdsCall(values[index])) throw bodyAmbiguous('The call holds another one, and has no "jsonrpc": "2.0".');
  });
}

/** The body was read before: it is JSON. */
function valuesIn(bytes: Buffer): readonly unknown[] {
  const body: unknown = JSON.parse(bytes.toString());
  return Array.isArray(body) ? body : [body];
}

function holdsCall(value: unknown): boolean {
  return isObject(value) && Object.values(value).some((each) => isObject(each) && 'jsonrpc' in each);
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

import { ACCESS_PASS } from '../protocol/access-pass.ts';
import type { SettlementNotice } from './stages.ts';

/** The headers that tell a buyer of a settlement, and of the pass that came with it. */
export function noticeHeaders({ protocol, response, offer, pass }: SettlementNotice): (readonly [string, string])[] {
  if (pass === undefined) return [[protocol.responseHeader, protocol.encodeSettlement(response, offer)]];
  const extensions = { ...response.extensions, [ACCESS_PASS]: pass.extension };
  return [[protocol.responseHeader, protocol.encodeSettlement({ ...response, extensions }, offer)], ...pass.headers];
}

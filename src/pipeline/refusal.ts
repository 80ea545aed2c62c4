import { ACCESS_PASS } from '../protocol/access-pass.ts';
import type { SettlementNotice } from './stages.ts';

/** The headers that tell a buyer of a settlement, and of the pass that came with it. */
export function noticeHeaders({ protocol, receipt, pass }: SettlementNotice): readonly (readonly [string, string])[] {
  if (pass === undefined || receipt.kind !== 'settled') return protocol.receipt(receipt);
  const extensions = { ...receipt.extensions, [ACCESS_PASS]: pass.extension };
  return [...protocol.receipt({ ...receipt, extensions }), ...pass.headers];
}

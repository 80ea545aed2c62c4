import type { ChargeTold } from '../domain/answer-reader.ts';
import type { Receipt } from '../domain/receipt.ts';
import { ACCESS_PASS } from '../protocol/access-pass.ts';
import type { SettlementNotice } from './stages.ts';

/** The headers that tell a buyer of a settlement, and of the pass that came with it, in an answer with that status. */
export function noticeHeaders(
  { protocol, receipt, pass }: SettlementNotice,
  status: number,
): readonly (readonly [string, string])[] {
  const told = protocol.receipt(receiptWithPass({ receipt, pass }), status);
  return pass === undefined || receipt.kind !== 'settled' ? told : [...told, ...pass.headers];
}

/** The receipt of a settlement, with the pass that it bought. */
export function receiptWithPass({ receipt, pass }: Pick<SettlementNotice, 'receipt' | 'pass'>): Receipt {
  if (pass === undefined || receipt.kind !== 'settled') return receipt;
  return { ...receipt, extensions: { ...receipt.extensions, [ACCESS_PASS]: pass.extension } };
}

/** What a buyer is told of a charge, as a value and as headers of an answer with that status. */
export function toldOf(notice: SettlementNotice, status: number): ChargeTold {
  return { receipt: receiptWithPass(notice), fields: noticeHeaders(notice, status) };
}

import type { ChargeTold } from '../domain/answer-reader.ts';
import type { Receipt } from '../domain/receipt.ts';
import { ACCESS_PASS } from '../protocol/access-pass.ts';
import { OFFER_RECEIPT } from '../protocol/offer-receipt/offer-receipts.ts';
import type { SettlementNotice } from './stages.ts';

/** The headers that tell a buyer of a settlement, and of the pass that it bought, in an answer with that status. */
export function noticeHeaders(notice: SettlementNotice, status: number): readonly (readonly [string, string])[] {
  const { protocol, receipt, pass } = notice;
  const told = protocol.receipt(wholeReceipt(notice, status), status);
  return pass === undefined || receipt.kind !== 'settled' ? told : [...told, ...pass.headers];
}

/** The receipt of a settlement, with the pass that it bought; signed where it goes with what was sold. */
export function wholeReceipt(
  { receipt, pass, attest }: Pick<SettlementNotice, 'receipt' | 'pass' | 'attest'>,
  status: number,
): Receipt {
  if (receipt.kind !== 'settled') return receipt;
  const signed = attest?.(receipt, status);
  if (pass === undefined && signed === undefined) return receipt;
  const extensions = {
    ...receipt.extensions,
    ...(pass === undefined ? {} : { [ACCESS_PASS]: pass.extension }),
    ...(signed === undefined ? {} : { [OFFER_RECEIPT]: signed }),
  };
  return { ...receipt, extensions };
}

/** The buyer's view of a charge: as a value, and as headers of an answer with that status. */
export function toldOf(notice: SettlementNotice, status: number): ChargeTold {
  const fields = noticeHeaders(notice, status);
  return { receipt: wholeReceipt(notice, status), fields, comment: fields[0]?.[1] };
}

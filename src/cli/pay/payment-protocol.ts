import type { AssetTable } from '../../config/asset-table.ts';
import type { ProtocolSetting } from '../../domain/protocol-setting.ts';
import type { PurchaseOutcome, PurchaseTerms, SignedPayment } from './purchase-terms.ts';
import type { Receipt } from './receipt.ts';

/** A protocol that a buyer pays by. */
export interface PaymentProtocol {
  readonly setting: ProtocolSetting;
  /** For people: a 402 states no price in this protocol. */
  readonly notOffered: string;
  /** Whether a 402 is one of this protocol. */
  isStatedBy(response: Response): Promise<boolean>;
  /** Describes the first price in the headers of a 402, one fact per line; no line where no price can be read. */
  describePrice(headers: Headers, table: AssetTable, url: string): readonly string[];
  /** Pays once, where the price is within the limit and agreed to. `first` is the 402. */
  purchase(request: Request, first: Response, terms: PurchaseTerms): Promise<PurchaseOutcome>;
  /** The payment in the headers of a request, without credentials of others beside it. */
  paymentIn(headers: Headers): SignedPayment['header'] | undefined;
  /** The receipt in the headers of an answer; `undefined` where none is sound. */
  readReceipt(headers: Headers): Receipt | undefined;
}

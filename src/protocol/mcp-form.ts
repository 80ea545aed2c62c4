import type { ErrorCode } from '../domain/gateway-error.ts';
import type { Receipt } from '../domain/receipt.ts';
import type { Json, JsonObject } from '../domain/x402.ts';
import type { Credential, Protocol } from './protocol.ts';

/** How messages of MCP carry a protocol: they have members of `_meta` instead of headers. */
export interface McpForm {
  /** Member of `params._meta` that brings a payment. */
  readonly payment: string;
  /** Member of `result._meta` that brings a receipt. */
  readonly receipt: string;
  readonly price: McpPriceForm;
  /** Reads the member `payment`: `none` where it belongs to another protocol with the same member. */
  credential(value: Json): Credential;
  /**
   * The receipt of a settlement; `undefined` where the protocol has none for it.
   *
   * @param payment what stood in `payment`; `undefined` where it came in the head of the request
   */
  receiptOf(receipt: Receipt, payment: Json | undefined): JsonObject | undefined;
  /**
   * The receipt in the head of an HTTP answer, or in its trailers.
   *
   * @param fields flat list of names and values
   * @param payment as in {@link receiptOf}
   */
  receiptIn(fields: readonly string[], payment: Json | undefined): JsonObject | undefined;
}

/** Where clients of MCP look for the price. */
export interface McpPriceForm {
  /** In the result of a tool that failed, or only in an error of JSON-RPC: then all prices of the call are there. */
  readonly place: 'result' | 'error';
  /**
   * Extension of MCP by which a client takes the price as a result of its own kind; `undefined` where there is none.
   */
  readonly extension: string | undefined;
  /** Member of `result._meta` that states it. */
  readonly meta: string;
  /**
   * Member of the error's data with this price, beside another protocol's price; `undefined`: its members are the data
   * itself.
   */
  readonly beside: string | undefined;
  /** The error's code in JSON-RPC. */
  code(occasion: ErrorCode): number;
}

/** The price of a call in the words of one protocol. */
export interface McpPrice {
  readonly form: McpPriceForm;
  readonly price: JsonObject;
}

/** Members of `_meta` that belong to payment protocols: neither clients nor servers write others' there. */
export interface McpMembers {
  readonly payments: readonly string[];
  readonly receipts: readonly string[];
}

/** The members of all protocols. */
export function mcpMembers(protocols: readonly Protocol[]): McpMembers {
  const forms = protocols.flatMap(({ mcp }) => mcp ?? []);
  return {
    payments: [...new Set(forms.map(({ payment }) => payment))],
    receipts: [...new Set(forms.map(({ receipt }) => receipt))],
  };
}

/** A receipt as a member of `result._meta`. */
export interface McpReceipt {
  readonly member: string;
  readonly receipt: JsonObject;
}

/** The receipts that the head of an answer over HTTP holds, as members of messages. */
export function receiptsIn(
  protocols: readonly Protocol[],
  fields: readonly string[],
  payments: JsonObject,
): readonly McpReceipt[] {
  return protocols.flatMap(({ mcp }) => {
    const receipt = mcp?.receiptIn(fields, payments[mcp.payment]);
    return mcp === undefined || receipt === undefined ? [] : [{ member: mcp.receipt, receipt }];
  });
}

const NONE: Credential = { kind: 'none' };

/** The credential of a protocol in what a message brought. @param payments by their members of `_meta` */
export function credentialInMessage(form: McpForm | undefined, payments: JsonObject | undefined): Credential {
  if (form === undefined || payments === undefined || !Object.hasOwn(payments, form.payment)) return NONE;
  return form.credential(payments[form.payment] ?? null);
}

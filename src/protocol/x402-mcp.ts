import { fieldIn } from '../domain/flat-fields.ts';
import { isJsonObject } from '../domain/payment.ts';
import type { Receipt } from '../domain/receipt.ts';
import type { Json, SettleResponse } from '../domain/x402.ts';
import { decodeHeaderJson, encodeHeaderJson } from './header-json.ts';
import type { McpForm, McpPriceForm } from './mcp-form.ts';

const PAYMENT_REQUIRED_CODE = 402;

const PRICE: McpPriceForm = {
  place: 'result',
  extension: 'org.x402/payment',
  meta: 'x402/error',
  beside: 'x402',
  code: () => PAYMENT_REQUIRED_CODE,
};

/**
 * x402 in messages of MCP. Both versions share the members; the payment's own version says which one reads it.
 *
 * @param field of HTTP that carries receipts
 * @see x402 specification, `transports-v2/mcp.md`
 */
export function x402McpForm(
  version: 1 | 2,
  { field, settleResponse }: { readonly field: string; readonly settleResponse: (receipt: Receipt) => SettleResponse },
): McpForm {
  const lower = field.toLowerCase();
  return {
    payment: 'x402/payment',
    receipt: 'x402/payment-response',
    price: PRICE,
    credential: (value) =>
      (versionOf(value) === 1) === (version === 1) ? { kind: 'one', text: textOf(value) } : { kind: 'none' },
    receiptOf: (receipt) => ({ ...settleResponse(receipt) }),
    receiptIn(fields) {
      const text = fieldIn(fields, lower);
      const decoded = text === undefined ? undefined : decodeHeaderJson(text);
      return decoded?.ok === true && isJsonObject(decoded.value) ? decoded.value : undefined;
    },
  };
}

/** Some clients send the text of the header. */
function textOf(value: Json): string {
  return typeof value === 'string' ? value : encodeHeaderJson(value);
}

function versionOf(value: Json): number | undefined {
  const decoded = typeof value === 'string' ? decodeHeaderJson(value) : undefined;
  const payment = decoded?.ok === true ? decoded.value : value;
  const version = isJsonObject(payment) ? payment['x402Version'] : undefined;
  // Messages keep the texts of their numbers.
  return version === undefined ? undefined : Number(JSON.stringify(version));
}

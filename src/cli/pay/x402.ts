import { parseAmount } from '../../domain/amount.ts';
import { isJsonObject } from '../../domain/payment.ts';
import type { Json } from '../../domain/x402.ts';
import { readHeaderObject } from '../../protocol/header-json.ts';
import { describeStated } from './payable-offer.ts';
import type { PaymentProtocol } from './payment-protocol.ts';
import { paymentByX402, purchaseByX402 } from './x402-purchase.ts';

/** x402 v2 and v1. */
export const x402: PaymentProtocol = {
  setting: 'x402',
  notOffered: 'the server states no price in x402, but in another protocol',
  isStatedBy: async (response) => response.headers.has('payment-required') || (await hasBodyOfV1(response)),
  describePrice: (headers, table, url) => describeStated(headers.get('payment-required'), table, url),
  purchase: purchaseByX402,
  paymentIn: paymentByX402,
  readReceipt(headers) {
    const stated = readHeaderObject(headers.get('payment-response') ?? headers.get('x-payment-response'));
    if (stated === undefined) return undefined;
    const { success, transaction, network, payer, amount, errorReason } = stated;
    if (typeof success !== 'boolean') return undefined;
    return {
      success,
      transaction: text(transaction) ?? '',
      network: text(network) ?? '',
      payer: text(payer),
      amount: parseAmount(amount),
      reason: text(errorReason),
    };
  },
};

async function hasBodyOfV1(response: Response): Promise<boolean> {
  try {
    const body: Json = JSON.parse(await response.clone().text());
    return isJsonObject(body) && body['x402Version'] !== undefined;
  } catch {
    return false;
  }
}

function text(value: Json | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

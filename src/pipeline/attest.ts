import { isCharged } from '../domain/charge-rule.ts';
import type { JsonObject } from '../domain/x402.ts';
import type { RoutedRequest } from './exchange.ts';
import type { Attest } from './stages.ts';

/** How the receipts of a request are signed; `undefined` where they are not. No payment depends on the signature. */
export function attestOf({ runtime, price, resourceUrl }: RoutedRequest): Attest | undefined {
  const { receipts } = runtime;
  if (receipts === undefined) return undefined;
  let signed: JsonObject | undefined;
  return (receipt, status) => {
    if (receipt.kind !== 'settled' || !isCharged(price.charge, status)) return undefined;
    signed ??= receipts.receipt(receipt, resourceUrl);
    return signed;
  };
}

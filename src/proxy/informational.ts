import type { ServerResponse } from 'node:http';
import type { PaymentFields } from './headers/payment-fields.ts';
import { relayHints } from './headers/to-client.ts';

/**
 * Passes an informational response (102, 103 and later ones) on to the client, before the final one (RFC 9110 §15.2).
 * 100 and 101 are never passed on: they answer the gateway's own request. An informational response is a hint, and is
 * left out where it cannot be written: to a client that does not read, or in a Node without `writeInformation`.
 */
export function relayInformational(
  res: ServerResponse,
  status: number,
  raw: readonly string[],
  fields: PaymentFields,
): void {
  if (status <= 101 || res.headersSent || res.destroyed || res.writableNeedDrain) return;
  if (typeof res.writeInformation !== 'function') return;
  res.writeInformation(status, relayHints(raw, fields));
}

import { isDeepStrictEqual } from 'node:util';
import { x402Client } from '@x402/core/client';
import { decodePaymentRequiredHeader, encodePaymentSignatureHeader } from '@x402/core/http';
import type { PaymentRequired } from '@x402/core/types';
import { ExactEvmScheme } from '@x402/evm/exact/client';
import {
  type DiscoveryExtension,
  extractDiscoveryInfo,
  validateDiscoveryExtension,
  validateDiscoveryExtensionSpec,
} from '@x402/extensions/bazaar';
import { privateKeyToAccount } from 'viem/accounts';
import type { Operation } from '../../src/openapi/operations.ts';
import { samplePath } from '../../src/openapi/sample-path.ts';
import { type AskedFor, openValueGateway, type ValueGateway } from '../support/value-gateway.ts';

/** What became of buying each operation of a description once. */
export interface Purchases {
  /** How many were paid for by the stock client, and would be listed by the official facilitator. */
  readonly listed: number;
  /** How many a catalogue does not take: `OPTIONS` and what is like it. */
  readonly uncatalogued: number;
  /** The longest `PAYMENT-REQUIRED`. */
  readonly longestHeader: number;
  readonly faults: readonly string[];
}

const CATALOGUED = new Set(['GET', 'HEAD', 'DELETE', 'POST', 'PUT', 'PATCH']);
const KEY = `0x${'5'.repeat(64)}` as const;

/**
 * Buys each operation once with the stock client from a gateway with the routes that `turnpike init` wrote, and has the
 * official code look at the extension by which facilitators list it.
 */
export async function buyEach(
  routes: string,
  document: string,
  operations: readonly Pick<Operation, 'method' | 'template'>[],
): Promise<Purchases> {
  const gateway = await openValueGateway(`discovery: { openapi: ${JSON.stringify(document)} }\n${routes}`);
  const client = new x402Client().register('eip155:*', new ExactEvmScheme(privateKeyToAccount(KEY)));
  const faults: string[] = [];
  let [listed, uncatalogued, longestHeader] = [0, 0, 0];
  for (const { method, template } of operations) {
    const path = samplePath(template);
    const header = (await gateway.ask(path, { method }))?.field('payment-required');
    if (header === undefined) {
      faults.push(`${method} ${template}: no 402`);
      continue;
    }
    longestHeader = Math.max(longestHeader, header.length);
    if (!CATALOGUED.has(method)) {
      uncatalogued += 1;
      continue;
    }
    const wrong = await faultOf({ gateway, client, method, path, required: decodePaymentRequiredHeader(header) });
    if (wrong === undefined) listed += 1;
    else faults.push(`${method} ${template}: ${wrong}`);
  }
  return { listed, uncatalogued, longestHeader, faults };
}

interface Purchase {
  readonly gateway: ValueGateway;
  readonly client: x402Client;
  readonly method: string;
  readonly path: string;
  readonly required: PaymentRequired;
}

async function faultOf({ gateway, client, method, path, required }: Purchase): Promise<string | undefined> {
  const extension = required.extensions?.['bazaar'];
  if (!isExtension(extension)) return 'the 402 tells catalogues nothing';
  const { errors = [] } = validateDiscoveryExtensionSpec({ ...extension });
  if (errors.length > 0) return `the official validator says: ${errors.join('; ')}`;
  const payload = await client.createPaymentPayload(required);
  if (!isDeepStrictEqual(payload.extensions?.['bazaar'], extension))
    return 'the stock client sends something else back';
  // It compiles the extension's own schema and has the values checked by it.
  const found = extractDiscoveryInfo(payload, payload.accepted);
  if (found === null || !('method' in found) || found.method !== method) {
    return `the facilitator would not list it: ${validateDiscoveryExtension(extension).errors?.join('; ')}`;
  }
  const asked: AskedFor = { method, fields: [['PAYMENT-SIGNATURE', encodePaymentSignatureHeader(payload)]] };
  const got = await gateway.ask(path, asked);
  return got?.status === 200 && got.from === 'api' ? undefined : `the payment got ${got?.status}: ${got?.body}`;
}

function isExtension(value: unknown): value is DiscoveryExtension {
  return typeof value === 'object' && value !== null && 'info' in value && 'schema' in value;
}

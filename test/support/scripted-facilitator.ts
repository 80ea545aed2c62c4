import { EventEmitter, once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Amount } from '../../src/domain/amount.ts';
import type { Network } from '../../src/domain/network.ts';
import type { Offer } from '../../src/domain/offer.ts';
import type { Payment, PaymentKey } from '../../src/domain/payment.ts';

/** An endpoint of the facilitator. */
export type Endpoint = 'verify' | 'settle' | 'supported';

/** A request that the facilitator received. */
export interface RecordedRequest {
  readonly endpoint: string;
  readonly method: string;
  readonly headers: IncomingHttpHeaders;
  /** The body as it came. */
  readonly text: string;
}

/** What the facilitator does with one request. */
export type Behaviour =
  /** The right answer for what was asked, with some members changed; `undefined` takes a member away. */
  | { readonly kind: 'agree'; readonly changed?: Readonly<Record<string, unknown>>; readonly status?: number }
  /** A protocol refusal: `isValid: false` or `success: false`. */
  | { readonly kind: 'refuse'; readonly reason: string; readonly status?: number; readonly transaction?: string }
  /** These bytes. */
  | { readonly kind: 'say'; readonly text: string; readonly status?: number; readonly headers?: Record<string, string> }
  /** Takes the request and never answers. */
  | { readonly kind: 'hang' }
  /** Gives the right answer, but only then. */
  | { readonly kind: 'hold'; readonly until: Promise<void> }
  /** Closes the connection without a byte of answer. */
  | { readonly kind: 'reset' }
  /** Sends the headers and half of the body of the right answer, then closes the connection. */
  | { readonly kind: 'die-mid-answer' }
  /** Writes these bytes to the connection in place of an HTTP answer, and closes it. */
  | { readonly kind: 'raw'; readonly text: string }
  /** A body that does not end before 1 MB. */
  | { readonly kind: 'huge' };

/** The lies that no real facilitator can be made to tell, by name. */
export const LIES = {
  'another network': { kind: 'agree', changed: { network: 'eip155:1' } },
  'no network': { kind: 'agree', changed: { network: undefined } },
  'another payer': { kind: 'agree', changed: { payer: `0x${'66'.repeat(20)}` } },
  'a payer that is no string': { kind: 'agree', changed: { payer: 7 } },
  'another amount': { kind: 'agree', changed: { amount: '1' } },
  'an amount that is no plain decimal': { kind: 'agree', changed: { amount: '0x2710' } },
  'an amount that is a number': { kind: 'agree', changed: { amount: 10000 } },
  'no transaction': { kind: 'agree', changed: { transaction: undefined } },
  'an empty transaction': { kind: 'agree', changed: { transaction: '' } },
  'a transaction of the wrong length': { kind: 'agree', changed: { transaction: '0x1234' } },
  'extensions that are no object': { kind: 'agree', changed: { extensions: [] } },
  'a verdict that is a string': { kind: 'agree', changed: { isValid: 'true', success: 'true' } },
  'a verdict that is null': { kind: 'agree', changed: { isValid: null, success: null } },
} as const satisfies Record<string, Behaviour>;

/** Transaction hash that the right answer to `/settle` states. */
export const SCRIPTED_TRANSACTION = `0x${'ab'.repeat(32)}`;

/** A facilitator that does as it is told. */
export interface ScriptedFacilitator {
  readonly url: string;
  /** Every request so far, in the order of arrival. */
  readonly requests: readonly RecordedRequest[];
  /** The next requests to `endpoint` are treated so, one after another; after them it agrees again. */
  next(endpoint: Endpoint, ...behaviours: readonly Behaviour[]): void;
  /** Resolves when a request to `endpoint` has been read; also for one that came before the call. */
  arrived(endpoint: Endpoint): Promise<void>;
  /** Ends all connections, the hanging ones too. */
  close(): Promise<void>;
}

/** Starts a scripted facilitator on a free loopback port. `kinds` is what `/supported` lists. */
export async function startScriptedFacilitator(
  kinds: readonly unknown[] = [
    { x402Version: 2, scheme: 'exact', network: 'eip155:84532' },
    { x402Version: 1, scheme: 'exact', network: 'base-sepolia' },
  ],
): Promise<ScriptedFacilitator> {
  const requests: RecordedRequest[] = [];
  const script = new Map<string, Behaviour[]>();
  const arrivals = new EventEmitter();
  const server = createServer(async (request, response) => {
    const endpoint = (request.url ?? '').split('/').at(-1) ?? '';
    const text = await readText(request);
    requests.push({ endpoint, method: request.method ?? '', headers: request.headers, text });
    arrivals.emit(endpoint);
    behave(script.get(endpoint)?.shift() ?? { kind: 'agree' }, rightAnswer(endpoint, text, kinds), response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/facilitator`,
    requests,
    next: (endpoint, ...behaviours) => {
      script.set(endpoint, [...(script.get(endpoint) ?? []), ...behaviours]);
    },
    arrived: async (endpoint) => {
      if (!requests.some((request) => request.endpoint === endpoint)) await once(arrivals, endpoint);
    },
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** A loopback URL on which nobody listens. */
export async function refusingUrl(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return `http://127.0.0.1:${port}`;
}

async function readText(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}

function rightAnswer(endpoint: string, text: string, kinds: readonly unknown[]): Record<string, unknown> {
  if (endpoint === 'supported') return { kinds, extensions: [], signers: {} };
  const { paymentPayload, paymentRequirements } = JSON.parse(text);
  const payer = paymentPayload.payload.authorization?.from;
  if (endpoint === 'verify') return { isValid: true, payer };
  return { success: true, transaction: SCRIPTED_TRANSACTION, network: paymentRequirements.network, payer };
}

function behave(behaviour: Behaviour, right: Record<string, unknown>, response: ServerResponse): void {
  switch (behaviour.kind) {
    case 'agree':
      send(response, behaviour.status ?? 200, JSON.stringify({ ...right, ...behaviour.changed }));
      break;
    case 'refuse':
      send(response, behaviour.status ?? 200, JSON.stringify(refusal(behaviour, right)));
      break;
    case 'say':
      send(response, behaviour.status ?? 200, behaviour.text, behaviour.headers);
      break;
    case 'hang':
      break;
    case 'hold':
      behaviour.until.then(() => send(response, 200, JSON.stringify(right)));
      break;
    case 'reset':
      response.socket?.destroy();
      break;
    case 'die-mid-answer':
      dieMidAnswer(response, JSON.stringify(right));
      break;
    case 'raw':
      response.socket?.end(behaviour.text);
      break;
    case 'huge':
      send(response, 200, JSON.stringify({ ...right, padding: 'x'.repeat(1024 * 1024) }));
      break;
  }
}

function dieMidAnswer(response: ServerResponse, text: string): void {
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': text.length });
  response.write(text.slice(0, text.length / 2), () => response.socket?.destroy());
}

function refusal(behaviour: Extract<Behaviour, { kind: 'refuse' }>, right: Record<string, unknown>): object {
  if ('isValid' in right) return { isValid: false, invalidReason: behaviour.reason, payer: right['payer'] };
  return { ...right, success: false, errorReason: behaviour.reason, transaction: behaviour.transaction ?? '' };
}

function send(response: ServerResponse, status: number, text: string, headers: Record<string, string> = {}): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(text);
}

/** The account that {@link scriptedPayment} is signed by. Lower case, as the gateway keeps payers. */
export const SCRIPTED_PAYER = '0x857b06519e91e3a54538791bdbb0e22373e36b66';

/** An offer of 10000 atomic units on Base Sepolia, which v1 clients can pay too. */
export function scriptedOffer(): Offer {
  const network = 'eip155:84532' as Network;
  const address = '0x036CbD53842c5426634e7929541eC2318f3dCF7e';
  const payTo = '0x209693Bc6afc0C5328bA36FaF03C514EF312287C';
  const domain = { name: 'USDC', version: '2' };
  return {
    scheme: 'exact',
    network,
    asset: { network, address, symbol: 'USDC', decimals: 6, transferMethod: 'eip3009', ...domain },
    amount: 10000n as Amount,
    payTo,
    maxTimeoutSeconds: 60,
    v1Network: 'base-sepolia',
    requirements: {
      scheme: 'exact',
      network,
      amount: '10000',
      asset: address,
      payTo,
      maxTimeoutSeconds: 60,
      extra: domain,
    },
  };
}

/** A payment for {@link scriptedOffer}, as a client of protocol `version` submits it. Its signature proves nothing. */
export function scriptedPayment(version: 1 | 2, offer: Offer = scriptedOffer()): Payment {
  const payload = {
    signature: `0x${'11'.repeat(65)}`,
    authorization: {
      // The client's own spelling of the address, which answers repeat.
      from: '0x857b06519E91e3A54538791bDbb0E22373e36b66',
      to: offer.payTo,
      value: '10000',
      validAfter: '0',
      validBefore: '1900000000',
      nonce: `0x${'22'.repeat(32)}`,
    },
  };
  // What the client claims to have accepted differs from our offer, to show which of the two goes on.
  const accepted = { ...offer.requirements, extra: { ...offer.requirements.extra, added: 'by the client' } };
  const resource = { url: 'https://api.example.com/v1/weather' };
  const extensions = { echoed: { info: { yes: true } } };
  return {
    submission:
      version === 2
        ? { version, payload: { x402Version: 2, resource, accepted, payload, extensions } }
        : { version, payload: { x402Version: 1, scheme: 'exact', network: 'base-sepolia', payload } },
    offer,
    authorization: {
      key: 'scripted' as PaymentKey,
      payer: SCRIPTED_PAYER,
      expiresAt: 1_900_000_000,
      digest: '00'.repeat(32),
      proved: true,
    },
    resourceUrl: 'https://api.example.com/v1/weather?city=Oslo',
  };
}

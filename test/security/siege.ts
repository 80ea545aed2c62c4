import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { decodePaymentRequiredHeader } from '@x402/core/http';
import type { Hex } from 'viem';
import { generatePrivateKey } from 'viem/accounts';
import type { PaymentStore } from '../../src/store/payment-store.ts';
import type { Devnet } from '../support/devnet.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { encodePayment, handSigned, type PaymentParts, type Requirement } from '../support/payment-header.ts';
import { clingRaw, connectRaw, exchangeRaw, parseRaw, type RawPeer, type RawResponse } from '../support/raw-http.ts';
import { type ScriptedFacilitator, startScriptedFacilitator } from '../support/scripted-facilitator.ts';
import { settings } from '../support/settings.ts';

/** What the API behind the gateway saw of one request. `body` fills up as it arrives. */
export interface Sight {
  readonly method: string;
  readonly url: string;
  readonly rawHeaders: readonly string[];
  body: string;
}

/** How the API answers; it has not read the body. */
export type Handler = (req: IncomingMessage, res: ServerResponse) => void;

/** How the API answers an upgrade. */
export type UpgradeHandler = (req: IncomingMessage, socket: Duplex) => void;

/** A gateway under attack: in front of an API that writes everything down. */
export interface Siege {
  readonly gateway: TestGateway;
  readonly port: number;
  /** Everything the API was asked, upgrades too. */
  readonly seen: readonly Sight[];
  /** What a remote facilitator was asked; `undefined` where the chain is real. */
  readonly facilitator: ScriptedFacilitator | undefined;
  /** Makes the API answer in another way from now on. */
  answer(handler: Handler): void;
  /** Makes the API answer upgrades in another way from now on. */
  upgrade(handler: UpgradeHandler): void;
  /** Resolves once the API was asked so many times in all. */
  asked(count: number): Promise<void>;
  connect(): Promise<RawPeer>;
  /** A client that leaves its half open, and may go on sending, when the gateway has ended its own. */
  cling(): Promise<RawPeer>;
  /** Sends bytes on a new connection and reads until it closes. The request has to ask for `Connection: close`. */
  ask(bytes: string): Promise<RawResponse>;
  /** The first offer of a path's 402. */
  quote(path: string, method?: string): Promise<Requirement>;
  /** A payment for a path's price, by an account of its own where none is given. */
  sign(path: string, terms?: { readonly method?: string; readonly key?: Hex }): Promise<PaymentParts>;
  /** Shuts the gateway down, as the end of the test would. */
  closeGateway(): Promise<void>;
  close(): Promise<void>;
}

/** Where the money is: on a chain, or with a facilitator that agrees to everything. */
export interface SiegeTerms {
  readonly devnet?: Devnet;
  /** The top of the configuration on another chain, for the API's URL. */
  readonly head?: (upstream: string) => string;
  /** Replaces `store: memory`. */
  readonly store?: string;
  /** Unix milliseconds; by default the real time. */
  readonly clock?: () => number;
  /** A store that is open already; the gateway closes it. */
  readonly opened?: PaymentStore;
}

/** Opens a gateway with these routes, and more configuration where it is needed; `UPSTREAM` stands for the API's URL. */
export async function laySiege(config: string, terms: SiegeTerms = {}): Promise<Siege> {
  const { devnet, store, clock, opened } = terms;
  const api = await openApi();
  const makeHead = terms.head ?? (devnet && ((upstream: string) => settings(devnet, upstream)));
  const facilitator = makeHead === undefined ? await startScriptedFacilitator() : undefined;
  const head = makeHead?.(api.url) ?? scriptedHead(api.url, facilitator?.url ?? '');
  const gateway = await startTestGateway(
    head.replace('store: memory', `store: ${store ?? 'memory'}`) + config.replaceAll('UPSTREAM', api.url),
    { ...(clock === undefined ? {} : { clock }), ...(opened === undefined ? {} : { store: opened }) },
  );
  const port = Number(new URL(gateway.url).port);

  let closing: Promise<void> | undefined;
  const closeGateway = (): Promise<void> => {
    closing ??= gateway.close();
    return closing;
  };

  async function quote(path: string, method = 'GET'): Promise<Requirement> {
    const response = await fetch(gateway.url + path, { method });
    await response.arrayBuffer();
    const [accepted] = decodePaymentRequiredHeader(response.headers.get('payment-required') ?? '').accepts;
    return accepted as unknown as Requirement;
  }

  return {
    gateway,
    port,
    seen: api.seen,
    facilitator,
    answer: api.answer,
    upgrade: api.upgrade,
    asked: api.asked,
    connect: () => connectRaw(port),
    cling: () => clingRaw(port),
    ask: (bytes) => exchangeRaw(port, bytes),
    quote,
    sign: async (path, { method, key } = {}) =>
      await handSigned(key ?? generatePrivateKey(), await quote(path, method)),
    closeGateway,
    async close() {
      await closeGateway();
      await Promise.all([api.close(), facilitator?.close()]);
    },
  };
}

/** A request head with its blank line, and a body after it as it is. */
export function request(line: string, headers: readonly string[] = [], body = ''): string {
  return `${[`${line} HTTP/1.1`, 'Host: gw.test', ...headers].join('\r\n')}\r\n\r\n${body}`;
}

/** As {@link request}, on a connection that ends with its answer. */
export function lastRequest(line: string, headers: readonly string[] = [], body = ''): string {
  return request(line, ['Connection: close', ...headers], body);
}

/** The header that pays. */
export function paying(payment: PaymentParts | string): string {
  return `PAYMENT-SIGNATURE: ${typeof payment === 'string' ? payment : encodePayment(payment)}`;
}

/** The status of a response. */
export function statusOf({ statusLine }: RawResponse): number {
  return Number(statusLine.split(' ')[1]);
}

/** The `code` of a problem document. */
export function codeOf({ body }: RawResponse): string | undefined {
  const text = body.toString('utf8');
  const { code } = JSON.parse(text.slice(text.indexOf('{'), text.lastIndexOf('}') + 1));
  return typeof code === 'string' ? code : undefined;
}

/** Everything that a connection received, cut at the status lines: what a client takes for separate answers. */
export function answersIn(bytes: Buffer): RawResponse[] {
  return bytes
    .toString('latin1')
    .split(/(?=HTTP\/1\.1 \d{3})/)
    .filter((part) => part !== '')
    .map((part) => parseRaw(Buffer.from(part, 'latin1')));
}

function scriptedHead(upstream: string, facilitator: string): string {
  return [
    `upstream: ${upstream}`,
    'payTo: "0x209693Bc6afc0C5328bA36FaF03C514EF312287C"',
    'accepts: [base-sepolia]',
    'store: memory',
    `facilitator: ${facilitator}`,
    '',
  ].join('\n');
}

interface Api {
  readonly url: string;
  readonly seen: Sight[];
  readonly answer: (handler: Handler) => void;
  readonly upgrade: (handler: UpgradeHandler) => void;
  asked(count: number): Promise<void>;
  close(): Promise<void>;
}

async function openApi(): Promise<Api> {
  const seen: Sight[] = [];
  const waiting = new Set<() => void>();
  let handler: Handler = echo;
  let upgradeHandler: UpgradeHandler = (_req, socket) => {
    socket.end('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nframes');
  };
  const record = (req: IncomingMessage): void => {
    const sight: Sight = { method: req.method ?? '', url: req.url ?? '', rawHeaders: req.rawHeaders, body: '' };
    req.on('data', (chunk: Buffer) => {
      sight.body += chunk.toString('latin1');
    });
    seen.push(sight);
    for (const check of waiting) check();
  };
  const server = createServer((req, res) => {
    record(req);
    handler(req, res);
  });
  server.on('upgrade', (req, socket) => {
    record(req);
    socket.on('error', () => socket.destroy());
    upgradeHandler(req, socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    seen,
    answer: (next) => {
      handler = next;
    },
    upgrade: (next) => {
      upgradeHandler = next;
    },
    asked: (count) =>
      new Promise((resolve) => {
        const check = (): void => {
          if (seen.length < count) return;
          waiting.delete(check);
          resolve();
        };
        waiting.add(check);
        check();
      }),
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Answers once the whole request is in. */
function echo(req: IncomingMessage, res: ServerResponse): void {
  req.on('end', () => res.end(`served ${req.method} ${req.url}`));
}

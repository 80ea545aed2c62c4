import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { settlementOf, signFor } from '../support/buyer.ts';
import { clientOf, type Devnet, freshPayer, type Payer, startDevnet } from '../support/devnet.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { type GatewayProcess, startGatewayProcess } from '../support/gateway-process.ts';
import { openAddress } from '../support/navigation.ts';
import { settings } from '../support/settings.ts';
import { startUpstream, type TestUpstream } from '../support/upstream.ts';

/*
 * A person pays on the page, the money moves, and the gateway is killed before the content is there: at each instant in
 * between, the payment's cookie, or the same payment sent again as the page does, opens the content afterwards.
 */

/** The same host, whatever the port. */
const HOST = { 'X-Forwarded-Host': 'articles.example.com' };
const PAGE = { ...HOST, Accept: 'text/html,*/*;q=0.8', 'X402-Answer': 'later' };
const LONGEST_MS = 180_000;

let devnet: Devnet;
let upstream: TestUpstream;
let answer: Parameters<typeof startUpstream>[0];
let folder: string;
let buyer: Payer;
let ledgers = 0;
let running: GatewayProcess | undefined;
let restarted: TestGateway | undefined;

beforeAll(async () => {
  [devnet, upstream] = await Promise.all([startDevnet(), startUpstream((req, res) => answer?.(req, res))]);
  folder = mkdtempSync(join(tmpdir(), 'paywall-crash-'));
});

beforeEach(async () => {
  ledgers += 1;
  answer = (_req, res) => res.end('the whole article');
  buyer = await freshPayer(devnet);
});

afterEach(async () => {
  await clientOf(devnet).setAutomine(true);
  await kill();
  await restarted?.close();
  restarted = undefined;
});

afterAll(async () => {
  await Promise.all([upstream.close(), devnet.close()]);
  rmSync(folder, { recursive: true });
});

function config(): string {
  const store = `store: sqlite:${join(folder, `${ledgers}.db`)}`;
  return `trustedProxies: [127.0.0.1]
publicUrl: https://articles.example.com
${settings(devnet, upstream.url).replace('store: memory', store)}routes:
  - { path: /after, price: $0.001 }
  - { path: /before, price: $0.001, settle: before }
  - { path: /deferred, price: $0.001, settle: deferred }
`;
}

/** A gateway that is a process of its own. */
async function start(): Promise<string> {
  running = startGatewayProcess(folder, `listen: 127.0.0.1:0\nadmin: 127.0.0.1:0\n${config()}`);
  return (await running.ready).url;
}

/** Another gateway on the same ledger, at a time when the first counts as gone. */
async function restart(): Promise<string> {
  restarted = await startTestGateway(config(), { clock: () => Date.now() + 20_000 });
  return restarted.url;
}

async function kill(): Promise<void> {
  running?.kill('SIGKILL');
  await running?.ended;
}

/** Pays as the page does. */
async function send(url: string, header: string): Promise<Response> {
  return await fetch(url, { headers: { ...PAGE, 'PAYMENT-SIGNATURE': header }, redirect: 'manual' });
}

/** Sends the same payment until the page would open what was bought, as the page does; resolves with the cookie. */
async function sendUntilPaid(url: string, header: string): Promise<string> {
  let cookie = '';
  await expect
    .poll(
      async () => {
        const response = await send(url, header);
        cookie = cookieOf(response);
        return response.status;
      },
      { timeout: LONGEST_MS },
    )
    .toBe(204);
  return cookie;
}

/** Opens the address as the browser does, until what was broken off is no longer being worked on. */
async function openUntilDone(url: string, cookie: string): Promise<Response> {
  let opened: Response | undefined;
  await expect
    .poll(
      async () => {
        opened = await openAddress(url, { ...HOST, Cookie: cookie });
        return opened.status;
      },
      { timeout: LONGEST_MS },
    )
    .toBe(200);
  if (opened === undefined) throw new Error('nothing was opened');
  return opened;
}

function cookieOf(response: Response): string {
  return response.headers
    .getSetCookie()
    .map((each) => each.split(';', 1)[0])
    .join('; ');
}

async function paidTo(): Promise<bigint> {
  return await devnet.usdcBalanceOf(devnet.accounts.payee.address);
}

it.each(['/after', '/before', '/deferred'])(
  'opens what was paid on %s when the gateway was killed before the page could open it',
  async (path) => {
    const before = await paidTo();
    const paying = await start();
    const header = await signFor(devnet, buyer, paying + path, { headers: HOST });
    const paid = await send(paying + path, header);
    expect(paid.status).toBe(204);
    await kill();
    const url = (await restart()) + path;
    const opened = await openUntilDone(url, cookieOf(paid));
    expect(await opened.text()).toBe('the whole article');
    expect(settlementOf(opened).transaction).toBe(settlementOf(paid).transaction);
    expect((await openAddress(url, { ...HOST, Cookie: cookieOf(paid) })).status).toBe(402);
    expect(await paidTo()).toBe(before + 1000n);
  },
  LONGEST_MS,
);

it.each(['/after', '/before'])(
  'opens what was paid on %s when the money moved while the gateway was killed, and the page sends the payment again',
  async (path) => {
    const before = await paidTo();
    const paying = await start();
    const header = await signFor(devnet, buyer, paying + path, { headers: HOST });
    const chain = clientOf(devnet);
    await chain.setAutomine(false);
    const killed = (async () => {
      while ((await chain.getTxpoolStatus()).pending === 0);
      await kill();
    })();
    await Promise.all([expect(send(paying + path, header)).rejects.toThrow(), killed]);
    await chain.mine({ blocks: 1 });
    await chain.setAutomine(true);
    expect(await paidTo()).toBe(before + 1000n);
    const url = (await restart()) + path;
    const cookie = await sendUntilPaid(url, header);
    expect(await (await openUntilDone(url, cookie)).text()).toBe('the whole article');
    expect(await paidTo()).toBe(before + 1000n);
  },
  LONGEST_MS,
);

it(
  'opens what was paid again when the gateway was killed in the middle of the content',
  async () => {
    const before = await paidTo();
    const paying = `${await start()}/after`;
    const header = await signFor(devnet, buyer, paying, { headers: HOST });
    const paid = await send(paying, header);
    const half = Promise.withResolvers<void>();
    answer = (_req, res) => {
      res.writeHead(200, { 'Content-Length': '17' });
      res.write('the whole', () => half.resolve());
    };
    const broken = openAddress(paying, { ...HOST, Cookie: cookieOf(paid) });
    await Promise.all([expect(broken).rejects.toThrow(), half.promise.then(kill)]);
    answer = (_req, res) => res.end('the whole article');
    const opened = await openUntilDone(`${await restart()}/after`, cookieOf(paid));
    expect(await opened.text()).toBe('the whole article');
    expect(await paidTo()).toBe(before + 1000n);
  },
  LONGEST_MS,
);

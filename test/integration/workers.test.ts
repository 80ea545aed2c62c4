import { EventEmitter, once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { erc20Abi } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { settlementOf, signFor } from '../support/buyer.ts';
import { clientOf, type Devnet, freshPayer, type Payer, startDevnet } from '../support/devnet.ts';
import type { LogLine } from '../support/gateway.ts';
import { type GatewayProcess, startGatewayProcess } from '../support/gateway-process.ts';
import { settings } from '../support/settings.ts';
import { startUpstream, type TestUpstream } from '../support/upstream.ts';

const WORKERS = 4;
const PRICE = 1000n;
/** Starting five processes on a busy machine takes its time. */
const LONG = 90_000;

const folder = mkdtempSync(join(tmpdir(), 'turnpike-workers-'));
let devnet: Devnet;
let upstream: TestUpstream;
let buyer: Payer;
let gateway: GatewayProcess;
let url: string;
let adminUrl: string;
/** What the upstream does with the next requests. */
let behaviour: (res: ServerResponse) => void = answer;

function answer(res: ServerResponse): void {
  res.end('here you are');
}

/** Holds answers back until they are released, and tells when so many requests have come. */
function holdAnswers() {
  const held: ServerResponse[] = [];
  const arrivals = new EventEmitter();
  behaviour = (res) => {
    held.push(res);
    arrivals.emit('arrival');
  };
  return {
    async arrived(count: number): Promise<void> {
      while (held.length < count) await once(arrivals, 'arrival');
    },
    release(): void {
      behaviour = answer;
      for (const res of held) answer(res);
    },
  };
}

function configuration(store: string): string {
  return `listen: 127.0.0.1:0
admin: 127.0.0.1:0
workers: ${WORKERS}
${settings(devnet, upstream.url).replace('store: memory', `store: sqlite:${join(folder, store)}`)}
routes:
  - { path: /free/*, price: free, name: free }
  - { path: /paid/*, price: $0.001, name: paid, timeout: 60s }
`;
}

async function pay(header: string, path: string): Promise<Response> {
  // A connection for each, so that they go to one worker after the other.
  return await fetch(url + path, { headers: { 'PAYMENT-SIGNATURE': header, Connection: 'close' } });
}

async function signMany(count: number, name: string): Promise<readonly { header: string; path: string }[]> {
  const paths = Array.from({ length: count }, (_, index) => `/paid/${name}/${index}`);
  return await Promise.all(paths.map(async (path) => ({ path, header: await signFor(devnet, buyer, url + path) })));
}

/** What the payee has, in the newest block or with all that waits. */
async function paidTo(blockTag: 'latest' | 'pending' = 'latest'): Promise<bigint> {
  return await clientOf(devnet).readContract({
    address: devnet.usdc,
    abi: erc20Abi,
    functionName: 'balanceOf',
    args: [devnet.accounts.payee.address],
    blockTag,
  });
}

/** Transactions of the settling account, those that wait included. */
async function sentCount(): Promise<number> {
  const { address } = devnet.accounts.settler;
  return await clientOf(devnet).getTransactionCount({ address, blockTag: 'pending' });
}

function serves(line: LogLine): boolean {
  return line['msg'] === 'worker serves';
}

/** The process that serves as a worker of this number since the last time one began to. */
function pidOf(worker: unknown): number {
  return Number(gateway.log.findLast((line) => serves(line) && line['worker'] === worker)?.['pid']);
}

async function metric(line: string): Promise<number> {
  const text = await (await fetch(`${adminUrl}/metrics`)).text();
  return Number(
    text
      .split('\n')
      .find((each) => each.startsWith(`${line} `))
      ?.slice(line.length),
  );
}

beforeAll(async () => {
  [devnet, upstream] = await Promise.all([startDevnet(), startUpstream((_req, res) => behaviour(res))]);
  buyer = await freshPayer(devnet);
  gateway = startGatewayProcess(folder, configuration('first.db'));
  ({ url, adminUrl } = await gateway.ready);
}, LONG);

afterAll(async () => {
  gateway.kill('SIGKILL');
  await gateway.ended;
  await Promise.all([devnet.close(), upstream.close()]);
  rmSync(folder, { recursive: true });
});

describe('several workers behind one address', () => {
  it('are ready together, and each reports its checks', { timeout: LONG }, async () => {
    const response = await fetch(`${adminUrl}/readyz`);
    expect(response.status).toBe(200);
    const { checks } = (await response.json()) as { checks: { name: string; ready: boolean }[] };
    const names = checks.map(({ name }) => name);
    for (let worker = 1; worker <= WORKERS; worker += 1) {
      expect(names).toContain(`worker ${worker}: facilitator for exact on ${devnet.network}`);
    }
    // Ready once, and all that is written is a line of JSON.
    expect(gateway.log.filter(({ msg }) => String(msg).startsWith('turnpike listening'))).toHaveLength(1);
    expect(gateway.notices).toEqual([]);
  });

  it('show the settling account once, as the process that holds its key reads it', { timeout: LONG }, async () => {
    const of = `{facilitator="local",network="${devnet.network}"}`;
    await expect.poll(() => metric(`turnpike_settler_readable${of}`), { timeout: 30_000 }).toBe(1);
    const settler = privateKeyToAccount(devnet.accounts.settler.key).address;
    const coins = await clientOf(devnet).getBalance({ address: settler });
    expect(await metric(`turnpike_settler_balance_ether${of}`)).toBeCloseTo(Number(coins) / 1e18, 1);
    expect(
      await metric(`turnpike_asset_atomic_units{network="${devnet.network}",asset="${devnet.usdc}",symbol="USDC"}`),
    ).toBe(1e6);
  });

  it('add their metrics up', { timeout: LONG }, async () => {
    const name = 'turnpike_requests_total{route="free",outcome="free",code="none"}';
    const get = () => fetch(`${url}/free/x`, { headers: { Connection: 'close' } }).then((each) => each.text());
    await Promise.all(Array.from({ length: 12 }, get));
    const lines = await gateway.logged(12, (line) => line['path'] === '/free/x');
    expect(new Set(lines.map((line) => line['worker'])).size).toBeGreaterThan(1);
    expect(await metric(name)).toBe(12);
  });

  it('let one of fifty simultaneous copies of a payment through', { timeout: LONG }, async () => {
    const before = { paid: await paidTo(), seen: upstream.seen.length };
    const header = await signFor(devnet, buyer, `${url}/paid/copies`);
    const responses = await Promise.all(Array.from({ length: 50 }, () => pay(header, '/paid/copies')));
    const statuses = responses.map(({ status }) => status).sort();
    expect(statuses).toEqual([200, ...Array.from({ length: 49 }, () => 409)]);
    for (const response of responses) expect(response.headers.get('payment-required')).toBeNull();
    expect(upstream.seen.length - before.seen).toBe(1);
    expect(await paidTo()).toBe(before.paid + PRICE);
  });

  it('settle forty payments at once with one key, without a gap in its numbers', { timeout: LONG }, async () => {
    const before = await paidTo();
    const payments = await signMany(40, 'many');
    const { address } = devnet.accounts.settler;
    const sentBefore = await clientOf(devnet).getTransactionCount({ address });
    const responses = await Promise.all(payments.map(({ header, path }) => pay(header, path)));
    expect(responses.map(({ status }) => status)).toEqual(payments.map(() => 200));
    expect(await paidTo()).toBe(before + 40n * PRICE);
    const [mined, pending] = await Promise.all([
      clientOf(devnet).getTransactionCount({ address }),
      clientOf(devnet).getTransactionCount({ address, blockTag: 'pending' }),
    ]);
    // Payments that came together were sent in one transaction.
    expect(mined - sentBefore).toBeGreaterThan(2);
    expect(mined - sentBefore).toBeLessThan(40);
    expect(pending).toBe(mined);
    const lines = await gateway.logged(
      40,
      (line) => String(line['path']).startsWith('/paid/many/') && line['status'] === 200,
    );
    expect(new Set(lines.map((line) => line['worker'])).size).toBe(WORKERS);
  });
});

describe('a worker that is killed', () => {
  it(
    'costs only its own requests while the upstream works, and their payments can be used again',
    { timeout: LONG },
    async () => {
      const before = await paidTo();
      const payments = await signMany(12, 'forwarding');
      const name = 'turnpike_requests_total{route="free",outcome="free",code="none"}';
      const counted = await metric(name);
      const upheld = holdAnswers();
      const asked = payments.map(({ header, path }) =>
        pay(header, path).then(
          (each) => each.status,
          () => 'cut',
        ),
      );
      await upheld.arrived(12);
      const served = gateway.log.filter(serves).length;
      process.kill(pidOf(2), 'SIGKILL');
      await gateway.logged(served + 1, serves);
      upheld.release();
      const results = await Promise.all(asked);
      const lost = payments.filter((_, index) => results[index] === 'cut');
      expect(lost.length).toBeGreaterThan(0);
      expect(results.filter((each) => each === 200)).toHaveLength(12 - lost.length);
      await gateway.logged(
        lost.length,
        (line) => line['msg'] === 'payment changed state' && line['state'] === 'released',
      );
      const again = await Promise.all(lost.map(({ header, path }) => pay(header, path)));
      expect(again.map(({ status }) => status)).toEqual(lost.map(() => 200));
      expect(await paidTo()).toBe(before + 12n * PRICE);
      expect((await fetch(`${adminUrl}/readyz`)).status).toBe(200);
      expect(await metric(name)).toBe(counted);
    },
  );

  it('has its settlements finished by the others, and their answers can be collected', { timeout: LONG }, async () => {
    const before = await paidTo();
    const payments = await signMany(16, 'settling');
    const chain = clientOf(devnet);
    await chain.setAutomine(false);
    await chain.setIntervalMining({ interval: 0 });
    const asked = payments.map(({ header, path }) =>
      pay(header, path).then(
        (each) => each.status,
        () => 'cut',
      ),
    );
    await expect.poll(() => paidTo('pending'), { timeout: 30_000 }).toBe(before + 16n * PRICE);
    const sent = await sentCount();
    const served = gateway.log.filter(serves).length;
    process.kill(pidOf(3), 'SIGKILL');
    await gateway.logged(served + 1, serves);
    await chain.mine({ blocks: 1 });
    await chain.setAutomine(true);
    await chain.setIntervalMining({ interval: 2 });
    const results = await Promise.all(asked);
    const lost = payments.filter((_, index) => results[index] === 'cut');
    expect(lost.length).toBeGreaterThan(0);
    expect(results.filter((each) => each === 200)).toHaveLength(16 - lost.length);
    await gateway.logged(
      lost.length,
      (line) => line['msg'] === 'payment changed state' && line['state'] === 'undelivered',
    );
    const collected = await Promise.all(lost.map(({ header, path }) => pay(header, path)));
    expect(collected.map(({ status }) => status)).toEqual(lost.map(() => 200));
    for (const response of collected) expect(settlementOf(response).success).toBe(true);
    expect(await paidTo()).toBe(before + 16n * PRICE);
    // The recorded transactions were found, not sent again.
    expect(await sentCount()).toBe(sent);
  });
});

describe('the primary', () => {
  it('has every request finish after SIGTERM, and ends with 0', { timeout: LONG }, async () => {
    const before = await paidTo();
    const payments = await signMany(12, 'last');
    const upheld = holdAnswers();
    const asked = Promise.all(payments.map(({ header, path }) => pay(header, path)));
    await upheld.arrived(12);
    gateway.kill('SIGTERM');
    await expect.poll(async () => (await fetch(`${adminUrl}/readyz`)).status, { timeout: 30_000 }).toBe(503);
    upheld.release();
    expect((await asked).map(({ status }) => status)).toEqual(payments.map(() => 200));
    expect(await gateway.ended).toMatchObject({ code: 0, signal: null });
    expect(await paidTo()).toBe(before + 12n * PRICE);
    // Ready once, and all that is written is a line of JSON.
    expect(gateway.log.filter(({ msg }) => String(msg).startsWith('turnpike listening'))).toHaveLength(1);
    expect(gateway.notices).toEqual([]);
  });

  it('leaves no process behind when it is killed', { timeout: LONG }, async () => {
    const killed = startGatewayProcess(folder, configuration('killed.db'));
    await killed.ready;
    killed.kill('SIGKILL');
    expect(await killed.ended).toMatchObject({ code: null, signal: 'SIGKILL' });
  });

  it('ends at once with the second signal, workers and all', { timeout: LONG }, async () => {
    const hasty = startGatewayProcess(folder, configuration('hasty.db'));
    const { url: at, adminUrl: admin } = await hasty.ready;
    const upheld = holdAnswers();
    const cut = expect(fetch(`${at}/free/held`)).rejects.toThrow();
    await upheld.arrived(1);
    hasty.kill('SIGTERM');
    await expect.poll(async () => (await fetch(`${admin}/readyz`)).status, { timeout: 30_000 }).toBe(503);
    hasty.kill('SIGTERM');
    expect(await hasty.ended).toMatchObject({ code: null, signal: 'SIGTERM' });
    await cut;
    upheld.release();
  });

  it('ends with 1 and the reason when its workers cannot start', { timeout: LONG }, async () => {
    const taken = createServer();
    taken.listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const { port } = taken.address() as AddressInfo;
    const text = configuration('taken.db').replace('listen: 127.0.0.1:0', `listen: 127.0.0.1:${port}`);
    const { code, stderr } = await startGatewayProcess(folder, text).ended;
    taken.close();
    expect(code).toBe(1);
    expect(stderr).toBe(`turnpike: cannot listen on 127.0.0.1:${port}: the port is in use by another process\n`);
  });
});

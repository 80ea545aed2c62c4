import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { challengeOf, settlementOf } from '../support/buyer.ts';
import { type ConfigVolume, openConfigVolume } from '../support/config-volume.ts';
import { type Devnet, freshPayer, type Payer, startDevnet } from '../support/devnet.ts';
import type { LogLine } from '../support/gateway.ts';
import { type GatewayProcess, startGatewayProcessOn } from '../support/gateway-process.ts';
import { encodePayment, handSigned, type Requirement } from '../support/payment-header.ts';
import { settings } from '../support/settings.ts';
import { startUpstream, type TestUpstream } from '../support/upstream.ts';

/** Prices that change, and processes that stop, while clients pay. */

const SWAPS = 50;
const LONG = 180_000;
const folder = mkdtempSync(join(tmpdir(), 'turnpike-load-'));
let devnet: Devnet;
let upstream: TestUpstream;
let buyer: Payer;

beforeAll(async () => {
  [devnet, upstream] = await Promise.all([startDevnet(), startUpstream()]);
  buyer = await freshPayer(devnet);
});

afterAll(async () => {
  await Promise.all([devnet.close(), upstream.close()]);
  rmSync(folder, { recursive: true });
});

/** A gateway of so many processes whose price is `units` of the smallest unit, or no price at all. */
function table(workers: number, units: number | 'broken'): string {
  const price = units === 'broken' ? 'one dollar' : `$0.${String(units).padStart(6, '0')}`;
  const store = `store: sqlite:${join(folder, `${workers}.db`)}`;
  return `listen: 127.0.0.1:0
admin: 127.0.0.1:0
workers: ${workers}
drainDelay: 2s
${settings(devnet, upstream.url).replace('store: memory', store)}
routes:
  - { path: /free/*, price: free }
  - { path: /paid/*, price: ${price}, name: paid }
`;
}

async function pay(url: string, path: string): Promise<{ readonly quoted: number; readonly response: Response }> {
  const asked = await fetch(url + path);
  await asked.arrayBuffer();
  expect(asked.status).toBe(402);
  const requirement = challengeOf(asked).accepts[0] as unknown as Requirement;
  const header = encodePayment(await handSigned(buyer.key, requirement));
  const response = await fetch(url + path, { headers: { 'PAYMENT-SIGNATURE': header } });
  await response.arrayBuffer();
  return { quoted: Number(requirement.amount), response };
}

async function paidTo(): Promise<bigint> {
  return await devnet.usdcBalanceOf(devnet.accounts.payee.address);
}

function configurationLine(line: LogLine): boolean {
  return String(line['msg']).startsWith('configuration ');
}

async function checkOf(adminUrl: string): Promise<{ readonly status: number; readonly detail: string }> {
  const response = await fetch(`${adminUrl}/readyz`);
  const { checks } = (await response.json()) as { checks: { name: string; detail?: string }[] };
  return { status: response.status, detail: checks.find(({ name }) => name === 'configuration')?.detail ?? '' };
}

describe.each([1, 2])('a gateway of %i process(es) under load', (workers) => {
  let volume: ConfigVolume;
  let gateway: GatewayProcess;

  beforeAll(() => {
    volume = openConfigVolume({ 'gateway.yaml': table(workers, 1) });
    gateway = startGatewayProcessOn(volume.path('gateway.yaml'));
  });

  afterAll(async () => {
    gateway.kill('SIGKILL');
    await gateway.ended;
    volume.remove();
  });

  it('changes its price fifty times without a failed request or a wrong price', { timeout: LONG }, async () => {
    const { url, adminUrl } = await gateway.ready;
    const before = await paidTo();
    /** The price that was certainly in force, and the newest that may be. */
    let [sure, newest] = [1, 1];
    let going = true;
    let owed = 0;
    const counts = { free: 0, paid: 0 };
    const asFree = async (): Promise<void> => {
      while (going) {
        const response = await fetch(`${url}/free/x`);
        await response.arrayBuffer();
        expect(response.status).toBe(200);
        counts.free += 1;
      }
    };
    const asBuyer = async (): Promise<void> => {
      while (going) {
        const oldest = sure;
        const { quoted, response } = await pay(url, '/paid/x');
        expect(response.status).toBe(200);
        expect(settlementOf(response).amount ?? String(quoted)).toBe(String(quoted));
        expect(quoted).toBeGreaterThanOrEqual(oldest);
        expect(quoted).toBeLessThanOrEqual(newest);
        owed += quoted;
        counts.paid += 1;
      }
    };
    const clients = [asFree(), asFree(), asBuyer(), asBuyer(), asBuyer()];
    const failed = Promise.all(clients);
    failed.catch(() => {
      going = false;
    });
    for (let swap = 1; swap <= SWAPS && going; swap += 1) {
      const broken = swap % 5 === 0;
      if (!broken) newest = swap + 1;
      volume.swap({ 'gateway.yaml': table(workers, broken ? 'broken' : swap + 1) });
      const lines = await gateway.logged(swap, configurationLine);
      if (!broken) {
        sure = swap + 1;
        continue;
      }
      expect(lines.at(-1)).toMatchObject({
        msg: 'configuration refused, the one in force stays',
        problems: [expect.stringMatching(/gateway\.yaml:\d+:\d+ routes\[1\]\.price: "one dollar" is not a price/)],
      });
      expect(await checkOf(adminUrl)).toMatchObject({ status: 200, detail: expect.stringContaining('one dollar') });
    }
    going = false;
    await failed;
    expect(counts.free).toBeGreaterThan(SWAPS);
    expect(counts.paid).toBeGreaterThan(10);
    expect(await paidTo()).toBe(before + BigInt(owed));
    const metrics = await (await fetch(`${adminUrl}/metrics`)).text();
    expect(metrics).toContain('turnpike_config_reloads_total{outcome="applied"} 40');
    expect(metrics).toContain('turnpike_config_reloads_total{outcome="refused"} 10');
  });

  it('reloads at SIGHUP', { timeout: LONG }, async () => {
    await gateway.ready;
    const lines = gateway.log.filter(configurationLine).length;
    gateway.kill('SIGHUP');
    const [last] = (await gateway.logged(lines + 1, configurationLine)).slice(-1);
    expect(String(last?.['msg'])).toMatch(/^configuration (?:refused|read again|changed)/);
  });
});

describe.each([1, 4])('a gateway of %i process(es) that is told to stop', (workers) => {
  it('is not ready first, then finishes what it has, and ends with 0', { timeout: LONG }, async () => {
    const volume = openConfigVolume({ 'gateway.yaml': table(workers, 7) });
    const gateway = startGatewayProcessOn(volume.path('gateway.yaml'));
    const { url, adminUrl } = await gateway.ready;
    const before = await paidTo();
    let going = true;
    let paid = 0;
    const asBuyer = async (): Promise<void> => {
      while (going) {
        const { response } = await pay(url, '/paid/x');
        expect(response.status).toBe(200);
        paid += 1;
        if (paid === 8) gateway.kill('SIGTERM');
      }
    };
    const clients = Promise.all([asBuyer(), asBuyer(), asBuyer(), asBuyer()]);
    await gateway.logged(1, (line) => line['msg'] === 'stopping');
    await expect.poll(async () => (await fetch(`${adminUrl}/readyz`)).status, { interval: 5 }).toBe(503);
    // A balancer that has not noticed yet sends one more.
    expect((await fetch(`${url}/free/x`)).status).toBe(200);
    going = false;
    await clients;
    expect(await gateway.ended).toMatchObject({ code: 0, signal: null, stderr: '' });
    expect(await paidTo()).toBe(before + BigInt(7 * paid));
    expect(gateway.log.find((line) => line['msg'] === 'stopping')).toMatchObject({ why: 'SIGTERM' });
    expect(gateway.log.at(-1)).toMatchObject({ msg: 'stopped', why: 'SIGTERM' });
    volume.remove();
  });
});

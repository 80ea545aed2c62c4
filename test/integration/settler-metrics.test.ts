import { parseEther, parseGwei } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { LocalFacilitatorSpec } from '../../src/domain/facilitator-spec.ts';
import type { Facilitator } from '../../src/facilitator/facilitator.ts';
import { openLocalFacilitator } from '../../src/facilitator/local/local-facilitator.ts';
import { createMetrics, type Metrics } from '../../src/observe/metrics.ts';
import { SettlerWatch } from '../../src/server/settler-watch.ts';
import { stockFetch } from '../support/buyer.ts';
import { clientOf, type Devnet, freshPayer, setBalance, startDevnet } from '../support/devnet.ts';
import { planOf, startTestGateway } from '../support/gateway.ts';
import { type LossyNode, openLossyNode } from '../support/lossy-node.ts';
import { parseExposition, scrape } from '../support/metrics.ts';
import { settings } from '../support/settings.ts';
import { startUpstream, type TestUpstream } from '../support/upstream.ts';

const ROUTES = 'routes:\n  - { path: /weather/:city, price: $0.001, name: weather }\n';
/** An account of the tests' own. */
const ACCOUNT = privateKeyToAccount(`0x${'37'.repeat(32)}`);
/** What a settlement may use. */
const GAS = 150_000n;

let devnet: Devnet;
let upstream: TestUpstream;

beforeAll(async () => {
  [devnet, upstream] = await Promise.all([startDevnet(), startUpstream((_req, res) => res.end('{}'))]);
});

afterAll(async () => {
  await Promise.all([devnet.close(), upstream.close()]);
});

describe('metrics of the account that pays for settlements', () => {
  let node: LossyNode;
  let facilitator: Facilitator;
  let metrics: Metrics;
  let watch: SettlerWatch;
  /** What the timer would call. */
  let tick: () => void = () => undefined;
  let now = 1_000_000;

  beforeAll(async () => {
    node = await openLossyNode(devnet.rpcUrl);
    const plan = await planOf(`${settings(devnet, upstream.url)}${ROUTES}`);
    const [given] = plan.facilitators;
    if (given?.kind !== 'local') throw new Error('the settings name no local facilitator');
    const rpc = new Map([...given.rpc.keys()].map((network) => [network, node.url]));
    const spec: LocalFacilitatorSpec = { ...given, rpc, key: `0x${'37'.repeat(32)}`, maxFeePerGas: parseGwei('90') };
    facilitator = openLocalFacilitator(spec, { clock: () => now });
    metrics = createMetrics();
    const repeat = (_everyMs: number, run: () => void) => {
      tick = run;
      return () => undefined;
    };
    watch = new SettlerWatch({ facilitators: () => [facilitator], metrics, repeat });
    await watch.look();
  });

  beforeEach(async () => {
    node.lose();
    await price('1');
  });

  afterAll(async () => {
    watch.stop();
    await facilitator.close();
    await node.close();
  });

  /** Has the next blocks ask for so many gwei. */
  async function price(gwei: string): Promise<void> {
    await clientOf(devnet).setNextBlockBaseFeePerGas({ baseFeePerGas: parseGwei(gwei) });
    await clientOf(devnet).mine({ blocks: 1 });
  }

  /** What a scrape shows after the next look. */
  async function shown(): Promise<Readonly<Record<string, number>>> {
    now += 60_000;
    tick();
    // Waits for the look that the timer began: there is one at a time.
    await watch.look();
    const samples = parseExposition((await metrics.render()).body).filter(({ name }) => name.startsWith(PREFIX));
    expect(new Set(samples.map(({ labels }) => JSON.stringify(labels)))).toEqual(
      new Set([JSON.stringify({ facilitator: facilitator.name, network: devnet.network })]),
    );
    return Object.fromEntries(samples.map(({ name, value }) => [name.slice(PREFIX.length), value]));
  }

  it('say what it holds, what gas costs and what the limit is, in units that they name', async () => {
    await setBalance(devnet, ACCOUNT.address, parseEther('0.25'));
    const { balance_ether, gas_price_gwei, gas_price_limit_gwei, readable } = await shown();
    expect({ balance_ether, gas_price_limit_gwei, readable }).toEqual({
      balance_ether: 0.25,
      gas_price_limit_gwei: 90,
      readable: 1,
    });
    expect(gas_price_gwei).toBe(Number(await clientOf(devnet).getGasPrice()) / 1e9);
  });

  it('count the settlements that its balance still pays, and 0 when the facilitator refuses the next one', async () => {
    const gasPrice = await clientOf(devnet).getGasPrice();
    await setBalance(devnet, ACCOUNT.address, 1000n * GAS * gasPrice);
    const { settlements_left } = await shown();
    // The last ones are not sent: twice the base fee has to be there for each.
    expect(settlements_left).toBeGreaterThan(990);
    expect(settlements_left).toBeLessThanOrEqual(1000);
    await setBalance(devnet, ACCOUNT.address, GAS * gasPrice - 1n);
    expect((await shown())['settlements_left']).toBe(0);
  });

  it('continue while gas costs more than the configured limit, although nothing is settled', async () => {
    await setBalance(devnet, ACCOUNT.address, parseEther('1'));
    await price('200');
    const { gas_price_gwei = 0, gas_price_limit_gwei = 0, settlements_left } = await shown();
    expect(gas_price_gwei).toBeGreaterThan(gas_price_limit_gwei);
    expect(settlements_left).toBeGreaterThan(0);
  });

  it('say that it cannot be read while its node is silent, with no old figure, no 0 and no missing series', async () => {
    await setBalance(devnet, ACCOUNT.address, parseEther('0.25'));
    const names = Object.keys(await shown()).sort();
    node.lose('eth_getBalance');
    const blind = await shown();
    expect(Object.keys(blind).sort()).toEqual(names);
    expect(blind).toEqual({
      readable: 0,
      balance_ether: Number.NaN,
      gas_price_gwei: Number.NaN,
      gas_price_limit_gwei: Number.NaN,
      settlements_left: Number.NaN,
    });
    node.lose();
    expect(await shown()).toMatchObject({ readable: 1, balance_ether: 0.25 });
  });

  it('are of the accounts that are open, and of no others', async () => {
    const other = createMetrics();
    const ended = new SettlerWatch({ facilitators: () => [], metrics: other });
    await ended.look();
    ended.stop();
    expect((await other.render()).body).not.toMatch(/^turnpike_settler_\w+\{/m);
  });
});

describe('a gateway', () => {
  it('shows its settling account, and what to divide its revenue by', { timeout: 60_000 }, async () => {
    const gateway = await startTestGateway(`${settings(devnet, upstream.url)}${ROUTES}`);
    try {
      const buyer = await freshPayer(devnet);
      expect((await stockFetch(buyer.key)(`${gateway.url}/weather/oslo`)).status).toBe(200);
      await vi.waitFor(async () => {
        const samples = await scrape(gateway.adminUrl);
        const sampleOf = (wanted: string) => samples.find(({ name }) => name === wanted);
        expect(sampleOf('turnpike_settler_readable')?.value).toBe(1);
        expect(sampleOf('turnpike_settler_settlements_left')?.value).toBeGreaterThan(1000);
        const revenue = sampleOf('turnpike_revenue_atomic_total');
        const unit = sampleOf('turnpike_asset_atomic_units');
        expect(unit?.labels).toMatchObject({
          symbol: 'USDC',
          network: revenue?.labels['network'],
          asset: revenue?.labels['asset'],
        });
        expect((revenue?.value ?? 0) / (unit?.value ?? 0)).toBe(0.001);
      }, 20_000);
    } finally {
      await gateway.close();
    }
  });
});

const PREFIX = 'turnpike_settler_';

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodePaymentRequiredHeader } from '@x402/core/http';
import type { Hex } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { openStore } from '../../src/registry.ts';
import type { PaymentStore } from '../../src/store/payment-store.ts';
import { type Devnet, startDevnet } from '../support/devnet.ts';
import { freePort } from '../support/free-port.ts';
import type { Requirement } from '../support/payment-header.ts';
import { ask } from './ask.ts';
import { type ChainTap, openChainTap } from './chain-tap.ts';
import { type FlakyApi, LIFE_HEADER, startFlakyApi } from './flaky-api.ts';
import { type GatewayProcess, startGatewayProcess } from './gateway-process.ts';
import { type JudgeKind, openJudge } from './judge.ts';
import { configurationOf, ROUTES } from './price-table.ts';
import { Random } from './random.ts';
import type { Purchase } from './schedule.ts';
import { makeStorePlace, type StoreKind } from './store-place.ts';
import { Timeline } from './timeline.ts';

/** An account that pays. */
export interface PayingAccount {
  readonly address: Hex;
  readonly key: Hex;
}

/** All parts around the gateway, which are never killed. */
export interface World {
  readonly devnet: Devnet;
  readonly tap: ChainTap;
  readonly api: FlakyApi;
  readonly timeline: Timeline;
  readonly payers: readonly PayingAccount[];
  /** The ledger, as another process sees it. */
  readonly ledger: PaymentStore;
  /** The address of the gateway in all its lives. */
  readonly url: string;
  /** What the payee owned before the first payment, in atomic units. */
  readonly paidBefore: bigint;
  startGateway(): GatewayProcess;
  close(): Promise<void>;
}

/** 100 USDC: more than any schedule spends. */
const FUNDS = 100_000_000n;

/** Opens the chain, the API and the ledger for a schedule. */
export async function openWorld(
  kind: StoreKind,
  judgeKind: JudgeKind,
  seed: number,
  payerCount: number,
  purchases: readonly Purchase[],
): Promise<World> {
  const folder = await mkdtemp(join(tmpdir(), 'turnpike-crash-'));
  const timeline = new Timeline();
  const [devnet, store, api] = await Promise.all([
    startDevnet(),
    makeStorePlace(kind, folder),
    startFlakyApi(purchases, timeline),
  ]);
  const tap = await openChainTap(devnet.rpcUrl, timeline);
  const payers = makePayers(seed, payerCount);
  await Promise.all(payers.map(({ address }) => devnet.mint(address, FUNDS)));
  const { payee } = devnet.accounts;
  const judge = await openJudge(judgeKind, devnet, tap);
  const listen = `127.0.0.1:${await freePort()}`;
  const file = join(folder, 'gateway.yaml');
  const { setting: facilitator } = judge;
  const upstream = `{ url: "${api.url}", headers: { ${LIFE_HEADER}: "\${LIFE}" } }`;
  const places = { listen, upstream, payTo: payee.address, usdc: devnet.usdc };
  await writeFile(file, configurationOf({ ...places, facilitator, store: store.setting }));
  const ledger = await openStore(store.spec);
  return {
    ...{ devnet, tap, api, timeline, payers, ledger },
    url: `http://${listen}`,
    paidBefore: await devnet.usdcBalanceOf(payee.address),
    startGateway: () => startGatewayProcess(file, { ...judge.env, LIFE: String(timeline.life) }),
    async close() {
      await ledger.close();
      await judge.close();
      await Promise.all([tap.close(), api.close()]);
      await Promise.all([devnet.close(), store.dispose()]);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Asks a gateway that runs for the price of each route; by the route's prefix. */
export async function askPrices(url: string): Promise<ReadonlyMap<string, Requirement>> {
  const prices = new Map<string, Requirement>();
  for (const { prefix, method } of ROUTES) {
    const { headers } = await ask(`${url}/${prefix}/price`, { method, headers: {} });
    const [accepted] = decodePaymentRequiredHeader(String(headers['payment-required'])).accepts;
    if (accepted === undefined) throw new Error(`${prefix} has no offer`);
    prices.set(prefix, { ...accepted });
  }
  return prices;
}

function makePayers(seed: number, count: number): PayingAccount[] {
  // Not from the schedule's random numbers, so that more payers do not change the schedule.
  const random = new Random(seed ^ 0x70617965);
  return Array.from({ length: count }, () => {
    const key = random.hex(32);
    return { key, address: privateKeyToAccount(key).address };
  });
}

import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Facilitator } from '../../src/facilitator/facilitator.ts';
import { openLocalFacilitator } from '../../src/facilitator/local/local-facilitator.ts';
import { openChainWitness } from '../../src/facilitator/remote/chain-witness.ts';
import { openRemoteFacilitator } from '../../src/facilitator/remote/remote-facilitator.ts';
import { families } from '../../src/registry.ts';
import { notebook } from '../contract/facilitator-payments.ts';
import {
  approvePermit2,
  clientOf,
  type Devnet,
  freshPayer,
  type Payer,
  setBalance,
  startDevnet,
} from '../support/devnet.ts';
import { localSpec } from '../support/local-spec.ts';
import { startOfficialFacilitator } from '../support/official-facilitator.ts';
import { payUpto, units, uptoOffer } from '../support/upto-payments.ts';

const MAXIMUM = 50_000n;
const WEI = 10n ** 18n;

let devnet: Devnet;
const ends: (() => Promise<void>)[] = [];

beforeAll(async () => {
  devnet = await startDevnet();
});
afterAll(async () => {
  for (const end of ends.reverse()) await end();
  await devnet.close();
});

describe.each([
  ['the local facilitator', openLocal],
  ['the official facilitator code', openOfficial],
])('Through %s', (_, open) => {
  let facilitator: Facilitator;
  let address: string;
  beforeAll(async () => {
    const opened = await open();
    facilitator = opened.facilitator;
    address = await statedAddress(facilitator);
    expect(address.toLowerCase()).toBe(opened.account.toLowerCase());
  });

  async function approvedPayer(): Promise<Payer> {
    const payer = await freshPayer(devnet);
    await approvePermit2(devnet, payer.key);
    return payer;
  }

  it.each([1n, 12_345n, MAXIMUM])('%i units of a permit for 50000 are moved, and no more', async (charge) => {
    const payer = await approvedPayer();
    const payment = await payUpto(devnet, payer, uptoOffer(devnet, MAXIMUM, address));
    expect(await facilitator.verify(payment, signal())).toEqual({ kind: 'valid', payer: payer.address.toLowerCase() });
    const book = notebook();
    const outcome = await facilitator.settle(payment, units(charge), book.write);
    expect(outcome).toMatchObject({ kind: 'settled', settlement: { amount: charge } });
    expect(book.attempts.length).toBeGreaterThan(0);
    expect(await devnet.usdcBalanceOf(payment.offer.payTo as `0x${string}`)).toBe(charge);
    expect(await devnet.usdcBalanceOf(payer.address)).toBe(1_000_000n - charge);
  });

  it('nothing is sent for a charge of nothing', async () => {
    const payment = await payUpto(devnet, await approvedPayer(), uptoOffer(devnet, MAXIMUM, address));
    const book = notebook();
    const outcome = await facilitator.settle(payment, units(0), book.write);
    expect(outcome).toMatchObject({ kind: 'settled', settlement: { amount: 0n, transaction: '' } });
    expect(book.attempts).toEqual([]);
    expect(await devnet.usdcBalanceOf(payment.offer.payTo as `0x${string}`)).toBe(0n);
  });

  it('a payer who never approved Permit2 is told so', async () => {
    const payment = await payUpto(devnet, await freshPayer(devnet), uptoOffer(devnet, MAXIMUM, address));
    const refused = { kind: 'invalid', reason: 'permit2_allowance_required' };
    expect(await facilitator.verify(payment, signal())).toMatchObject(refused);
  });

  it('a payer who cannot pay the maximum is refused', async () => {
    const payment = await payUpto(devnet, await approvedPayer(), uptoOffer(devnet, 1_000_001n, address));
    const refused = { kind: 'invalid', reason: 'permit2_insufficient_balance' };
    expect(await facilitator.verify(payment, signal())).toMatchObject(refused);
  });

  it('a permit that names another facilitator is refused', async () => {
    const other = privateKeyToAccount(generatePrivateKey()).address;
    const payment = await payUpto(devnet, await approvedPayer(), uptoOffer(devnet, MAXIMUM, other));
    const refused = { kind: 'invalid', reason: 'upto_facilitator_mismatch' };
    expect(await facilitator.verify(payment, signal())).toMatchObject(refused);
  });

  it('a settlement whose answer was lost is found again with its amount', async () => {
    const payer = await approvedPayer();
    const payment = await payUpto(devnet, payer, uptoOffer(devnet, MAXIMUM, address));
    const book = notebook();
    await facilitator.settle(payment, units(777), book.write);
    const again = (await open()).facilitator;
    const since = Date.now() - 1_000;
    const left = { payment, amount: units(777), attempt: book.last(), since };
    expect(await again.resolve(left, signal())).toMatchObject({ kind: 'settled', settlement: { amount: 777n } });
    const other = await again.resolve({ ...left, amount: units(778) }, signal());
    expect(other.kind).not.toBe('settled');
    expect(await devnet.usdcBalanceOf(payer.address)).toBe(1_000_000n - 777n);
  });
});

describe('The local facilitator', () => {
  it('moves no more than was signed for', async () => {
    const { facilitator, account } = await openLocal();
    const payment = await payUpto(devnet, await freshPayer(devnet), uptoOffer(devnet, MAXIMUM, account));
    const outcome = await facilitator.settle(payment, units(MAXIMUM + 1n), notebook().write);
    expect(outcome).toEqual({ kind: 'failed', reason: 'settlement_amount_mismatch' });
  });
});

interface Opened {
  readonly facilitator: Facilitator;
  readonly account: string;
}

let localKey: `0x${string}` | undefined;
async function openLocal(): Promise<Opened> {
  localKey ??= await fundedKey();
  const spec = localSpec(devnet, localKey);
  const facilitator = openLocalFacilitator(spec);
  ends.push(() => facilitator.close());
  return { facilitator, account: privateKeyToAccount(localKey).address };
}

let official: { url: string; account: string } | undefined;
async function openOfficial(): Promise<Opened> {
  official ??= await startOfficial();
  const spec = {
    kind: 'remote',
    name: 'official',
    url: official.url,
    headers: [],
    cdp: undefined,
    verifyTimeoutMs: 15_000,
    settleTimeoutMs: 15_000,
    rpc: new Map([[devnet.network, devnet.rpcUrl]]),
  } as const;
  const facilitator = openRemoteFacilitator(spec, { families, openWitness: openChainWitness });
  ends.push(() => facilitator.close());
  return { facilitator, account: official.account };
}

async function startOfficial(): Promise<{ url: string; account: string }> {
  const key = await fundedKey();
  const started = await startOfficialFacilitator({ rpcUrl: devnet.rpcUrl, key });
  ends.push(() => started.close());
  return { url: started.url, account: privateKeyToAccount(key).address };
}

async function fundedKey(): Promise<`0x${string}`> {
  const key = generatePrivateKey();
  await setBalance(devnet, privateKeyToAccount(key).address, WEI);
  await clientOf(devnet).getBlockNumber();
  return key;
}

async function statedAddress(facilitator: Facilitator): Promise<string> {
  const kinds = await facilitator.supported(signal());
  const upto = kinds.find(({ scheme, network }) => scheme === 'upto' && network === devnet.network);
  const stated = upto?.extra?.['facilitatorAddress'];
  if (typeof stated !== 'string') throw new Error('no facilitator address is stated');
  return stated;
}

function signal(): AbortSignal {
  return AbortSignal.timeout(30_000);
}

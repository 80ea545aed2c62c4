import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Amount } from '../../src/domain/amount.ts';
import type { RemoteFacilitatorSpec } from '../../src/domain/facilitator-spec.ts';
import type { Offer } from '../../src/domain/offer.ts';
import type { Payment, PaymentSubmission } from '../../src/domain/payment.ts';
import type { JsonObject } from '../../src/domain/x402.ts';
import { covers, type Facilitator, type Journal } from '../../src/facilitator/facilitator.ts';
import { openRemoteFacilitator } from '../../src/facilitator/remote/remote-facilitator.ts';
import { families } from '../../src/registry.ts';
import { type Devnet, signPayment, startDevnet } from '../support/devnet.ts';
import { type OfficialFacilitator, startOfficialFacilitator } from '../support/official-facilitator.ts';
import { scriptedOffer, scriptedPayment } from '../support/scripted-facilitator.ts';
import { settleInFull } from '../support/settle-in-full.ts';

const never = new AbortController().signal;
/** A ledger that takes everything. */
const written: Journal = async () => {};
const PRICE = 10_000n;

let devnet: Devnet;
let official: OfficialFacilitator;
let facilitator: Facilitator;
let offer: Offer;

beforeAll(async () => {
  devnet = await startDevnet();
  official = await startOfficialFacilitator({ rpcUrl: devnet.rpcUrl, key: devnet.accounts.settler.key });
  const timeouts = { verifyTimeoutMs: 20_000, settleTimeoutMs: 20_000 };
  const spec: RemoteFacilitatorSpec = {
    kind: 'remote',
    name: 'official',
    url: official.url,
    headers: [],
    cdp: undefined,
    rpc: new Map(),
    ...timeouts,
  };
  facilitator = openRemoteFacilitator(spec, { families });
  const payTo = devnet.accounts.payee.address;
  const base = scriptedOffer();
  offer = { ...base, payTo, requirements: { ...base.requirements, payTo } };
});

afterAll(async () => {
  await facilitator?.close();
  await official?.close();
  await devnet?.close();
});

/** A payment that the stock client signed, as it comes in through protocol `version`. */
async function signed(version: 1 | 2, paid: Offer = offer, payer = devnet.accounts.buyer): Promise<Payment> {
  // The stock client's types want `extra` mutable.
  const { extra, ...rest } = paid.requirements;
  const made = await signPayment(devnet, payer, {
    ...rest,
    network: devnet.network as `eip155:${string}`,
    extra: { ...extra },
  });
  const payload: JsonObject = JSON.parse(JSON.stringify(made.payload));
  const submission: PaymentSubmission =
    version === 2
      ? { version, payload: { x402Version: 2, accepted: paid.requirements, payload } }
      : { version, payload: { x402Version: 1, scheme: 'exact', network: 'base-sepolia', payload } };
  const template = scriptedPayment(version, paid);
  const authorization = { ...template.authorization, payer: payer.address.toLowerCase() };
  return { ...template, submission, authorization };
}

async function paidIn(act: () => Promise<void>): Promise<bigint> {
  const before = await devnet.usdcBalanceOf(devnet.accounts.payee.address);
  await act();
  return (await devnet.usdcBalanceOf(devnet.accounts.payee.address)) - before;
}

describe('the official facilitator, asked over HTTP', () => {
  it('covers an offer on its network and none on another', async () => {
    const kinds = await facilitator.supported(never);
    expect(kinds).toContainEqual({ x402Version: 2, scheme: 'exact', network: 'eip155:84532' });
    expect(kinds).toContainEqual({ x402Version: 1, scheme: 'exact', network: 'base-sepolia' });
    expect(covers(kinds, offer)).toBe(true);
    expect(covers(kinds, { ...offer, network: 'eip155:8453' as Offer['network'], v1Network: 'base' })).toBe(false);
  });

  it.each([
    ['v2', 2, 'base-sepolia'],
    ['v1', 1, 'base-sepolia'],
    ['v1, written as v2 because v1 is not known,', 1, undefined],
  ] as const)('verifies a %s payment and moves its money', async (_, version, v1Network) => {
    const payment = await signed(version, { ...offer, v1Network });
    const payer = devnet.accounts.buyer.address.toLowerCase();
    const paid = await paidIn(async () => {
      expect(await facilitator.verify(payment, never)).toEqual({ kind: 'valid', payer });
      expect(await settleInFull(facilitator, payment, written)).toEqual({
        kind: 'settled',
        settlement: { transaction: expect.stringMatching(/^0x[0-9a-f]{64}$/), payer, amount: PRICE },
      });
    });
    expect(paid).toBe(PRICE);
  });

  it('refuses a payment for less than our own requirement, whatever the client says it accepted', async () => {
    const cheap = { ...offer, amount: 1n as Amount, requirements: { ...offer.requirements, amount: '1' } };
    const payment = { ...(await signed(2, cheap)), offer };
    const verification = await facilitator.verify(payment, never);
    expect(verification).toEqual({ kind: 'invalid', reason: expect.stringContaining('value') });
    const paid = await paidIn(async () => {
      expect((await settleInFull(facilitator, payment, written)).kind).toBe('failed');
    });
    expect(paid).toBe(0n);
  });

  it('refuses a payer without money', async () => {
    const payment = await signed(2, offer, devnet.accounts.settler);
    const verification = await facilitator.verify(payment, never);
    expect(verification).toEqual({ kind: 'invalid', reason: expect.stringContaining('balance') });
  });

  it('leaves the outcome unknown when the same payment is settled once more', async () => {
    const payment = await signed(2);
    expect((await settleInFull(facilitator, payment, written)).kind).toBe('settled');
    const before = official.calls.settle;
    const paid = await paidIn(async () => {
      expect((await settleInFull(facilitator, payment, written)).kind).toBe('unknown');
    });
    expect(paid).toBe(0n);
    expect(official.calls.settle).toBe(before + 1);
  });
});

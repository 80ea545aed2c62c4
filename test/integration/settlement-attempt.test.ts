import { afterEach, describe, expect, it } from 'vitest';
import type { Amount } from '../../src/domain/amount.ts';
import { GatewayError } from '../../src/domain/gateway-error.ts';
import type { Payment } from '../../src/domain/payment.ts';
import type { PaymentRecord } from '../../src/domain/payment-record.ts';
import type { Facilitator, Journal } from '../../src/facilitator/facilitator.ts';
import { openMemoryLedger } from '../../src/store/memory/memory-ledger.ts';
import type { PaymentStore } from '../../src/store/payment-store.ts';
import { challengeOf } from '../support/buyer.ts';
import { startTestGateway } from '../support/gateway.ts';
import { encodePayment, handSigned } from '../support/payment-header.ts';
import { startUpstream } from '../support/upstream.ts';

/** Anvil's second account; worth nothing anywhere. */
const KEY = '0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d';
const TRANSACTION = `0x${'ab'.repeat(32)}`;
const PAYER = '0x70997970c51812dc3a010c7d01b50e0d17dc79c8';
const KIND = { x402Version: 2, scheme: 'exact', network: 'eip155:84532' } as const;

type Settle = Facilitator['settle'];

const cleanups: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** Pays for one call at a gateway whose facilitator settles so, and says how it was answered and what the ledger holds. */
async function payThrough(
  settle: (...args: [payment: Payment, amount: Amount, journal: Journal, store: PaymentStore]) => ReturnType<Settle>,
) {
  const store = openMemoryLedger();
  const upstream = await startUpstream((_req, res) => res.end('here you are'));
  cleanups.push(() => upstream.close());
  const facilitator: Facilitator = {
    name: 'scripted',
    supported: async () => [KIND],
    verify: async () => ({ kind: 'valid', payer: PAYER }),
    settle: (payment, amount, journal) => settle(payment, amount, journal, store),
    resolve: async () => ({ kind: 'unknown', reason: 'settlement_pending' }),
    close: async () => {},
  };
  const gateway = await startTestGateway(
    `upstream: ${upstream.url}
payTo: "0x209693Bc6afc0C5328bA36FaF03C514EF312287C"
accepts: [base-sepolia]
facilitator: http://127.0.0.1:9
store: memory
routes: [{ path: /paid, price: $0.001 }]`,
    { store, openFacilitator: () => facilitator },
  );
  cleanups.push(() => gateway.close());
  const url = `${gateway.url}/paid`;
  const [requirement] = challengeOf(await fetch(url)).accepts;
  if (requirement === undefined) throw new Error('the 402 states no price');
  const headers = { 'PAYMENT-SIGNATURE': encodePayment(await handSigned(KEY, { ...requirement })) };
  const response = await fetch(url, { headers });
  await response.text();
  return { status: response.status, row: await onlyRow(store) };
}

async function onlyRow(store: PaymentStore): Promise<PaymentRecord | undefined> {
  const [row] = await store.list({}, undefined, 2);
  return row;
}

describe('a settlement after the upstream has answered', () => {
  it('has its attempt, the body and the state in the ledger in one step, before anything is sent', async () => {
    let before: PaymentRecord | undefined;
    let written: PaymentRecord | undefined;
    const { status, row } = await payThrough(async (payment, amount, journal: Journal, store) => {
      before = await onlyRow(store);
      await journal({ transaction: TRANSACTION, data: 'signed' });
      written = await onlyRow(store);
      const { payer } = payment.authorization;
      return { kind: 'settled', settlement: { transaction: TRANSACTION, payer, amount } };
    });
    expect(before).toMatchObject({ state: 'forwarding', attempt: undefined });
    const attempt = { transaction: TRANSACTION, data: 'signed' };
    expect(before?.asked).toBeUndefined();
    expect(written).toMatchObject({
      state: 'settling',
      epoch: (before?.epoch ?? 0) + 1,
      attempt,
      bodyDigest: expect.any(String),
    });
    expect(written?.asked).toBe(written?.amount);
    expect(status).toBe(200);
    expect(row).toMatchObject({ settlement: { transaction: TRANSACTION } });
  });

  it('made by somebody else is recorded without an attempt', async () => {
    const { status, row } = await payThrough(async ({ authorization: { payer }, offer: { amount } }) => {
      return { kind: 'settled', settlement: { transaction: TRANSACTION, payer, amount } };
    });
    expect(status).toBe(200);
    expect(row).toMatchObject({
      settlement: { transaction: TRANSACTION },
      attempt: undefined,
      bodyDigest: expect.any(String),
    });
  });

  it('of another amount than was asked for is in doubt, and nothing is served for it', async () => {
    const { status, row } = await payThrough(async ({ authorization: { payer } }, amount) => {
      const less = { transaction: TRANSACTION, payer, amount: (amount - 1n) as Amount };
      return { kind: 'settled', settlement: less };
    });
    expect(status).toBe(503);
    expect(row).toMatchObject({ state: 'unknown', reason: 'settlement_amount_mismatch', settlement: undefined });
  });

  it('that is declined before anything was sent leaves a payment that can be used again', async () => {
    const { status, row } = await payThrough(async () => {
      throw new GatewayError('facilitator_overloaded');
    });
    expect(status).toBe(503);
    expect(row).toMatchObject({ state: 'failed', attempt: undefined });
  });

  it('with an unknown outcome is in doubt even without an attempt', async () => {
    const { status, row } = await payThrough(async () => ({ kind: 'unknown', reason: 'settlement_process_silent' }));
    expect(status).toBe(503);
    expect(row).toMatchObject({ state: 'unknown', reason: 'settlement_process_silent', attempt: undefined });
  });
});

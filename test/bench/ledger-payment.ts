import { randomBytes } from 'node:crypto';
import { parseAmount } from '../../src/domain/amount.ts';
import { parseNetwork } from '../../src/domain/network.ts';
import type { PaymentKey } from '../../src/domain/payment.ts';
import type { PaymentClaim, PaymentRecord } from '../../src/domain/payment-record.ts';
import type { Transition } from '../../src/store/ledger.ts';
import type { PaymentStore } from '../../src/store/payment-store.ts';

const amount = parseAmount('10000');
const network = parseNetwork('eip155:84532');
if (amount === undefined || network === undefined) throw new Error('the claim is not well-formed');
const settlement = { transaction: `0x${'ab'.repeat(32)}`, payer: `0x${'01'.repeat(20)}`, amount };
const SECOND_LOOK_MS = 60_000;

function claimOf(name: string, changed: Partial<PaymentClaim> = {}): PaymentClaim {
  if (amount === undefined || network === undefined) throw new Error('the claim is not well-formed');
  return {
    key: `eip155:84532|0x02|0x01|${name}` as PaymentKey,
    fingerprint: 'f'.repeat(64),
    digest: 'd'.repeat(64),
    requestId: `request-${name}`,
    route: 'weather',
    payer: settlement.payer,
    network,
    asset: `0x${'02'.repeat(20)}`,
    amount,
    payTo: `0x${'03'.repeat(20)}`,
    scheme: 'exact',
    claimedAt: Date.now(),
    expiresAt: Math.floor(Date.now() / 1000) + 60,
    state: 'settling',
    owner: 'bench',
    facilitator: 'local',
    evidence: JSON.stringify({ payment: 'x'.repeat(1500) }),
    identifier: undefined,
    ...changed,
  };
}

/** Takes a payment through the ledger as `settle: before` does: a claim and two steps, each durable before the next. */
export async function payThrough(store: PaymentStore, name: string): Promise<void> {
  const { record } = await store.claim(claimOf(name));
  const delivering = await store.transition(record.key, record.epoch, { to: 'delivering', settlement });
  if (delivering.kind !== 'moved') throw new Error('the payment was lost');
  const delivered = await store.transition(record.key, delivering.record.epoch, { to: 'delivered' });
  if (delivered.kind !== 'moved') throw new Error('the payment was lost');
}

/**
 * Takes a payment through the ledger as `settle: after` does with a remote facilitator: it is looked for, claimed, and
 * moved three steps, each durable before the next. Its key lands anywhere between those that are there.
 *
 * @param elsewhere what happens between one act and the next: the facilitator, the API, the facilitator
 */
export async function payAfterAnswer(store: PaymentStore, elsewhere: () => Promise<void>): Promise<void> {
  const key =
    `eip155:84532|0x${'02'.repeat(20)}|${settlement.payer}|0x${randomBytes(32).toString('hex')}` as PaymentKey;
  if ((await store.find(key)) !== undefined) throw new Error('the payment was there');
  await elsewhere();
  const claimed = await store.claim(
    claimOf(key, { key, requestId: key.slice(-32), state: 'forwarding', facilitator: 'remote', protocol: 'x402 v2' }),
  );
  let record = claimed.record;
  const bodyDigest = 'b'.repeat(64);
  const steps: readonly Transition[] = [
    {
      to: 'settling',
      attempt: { transaction: '', data: '{"version":2}' },
      facilitator: 'remote',
      asked: record.amount,
      bodyDigest,
    },
    { to: 'delivering', settlement, checkAt: Date.now() + SECOND_LOOK_MS },
    { to: 'delivered', bodyDigest },
  ];
  for (const step of steps) {
    // The answer goes out as soon as the settlement is written down.
    if (step.to !== 'delivered') await elsewhere();
    record = await moved(store, record, step);
  }
}

async function moved(store: PaymentStore, record: PaymentRecord, step: Transition): Promise<PaymentRecord> {
  const outcome = await store.transition(record.key, record.epoch, step, record);
  if (outcome.kind !== 'moved') throw new Error('the payment was lost');
  return outcome.record;
}

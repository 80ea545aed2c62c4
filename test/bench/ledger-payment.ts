import { parseAmount } from '../../src/domain/amount.ts';
import { parseNetwork } from '../../src/domain/network.ts';
import type { PaymentKey } from '../../src/domain/payment.ts';
import type { PaymentClaim } from '../../src/domain/payment-record.ts';
import type { PaymentStore } from '../../src/store/payment-store.ts';

const amount = parseAmount('10000');
const network = parseNetwork('eip155:84532');
if (amount === undefined || network === undefined) throw new Error('the claim is not well-formed');
const settlement = { transaction: `0x${'ab'.repeat(32)}`, payer: `0x${'01'.repeat(20)}`, amount };

function claimOf(name: string): PaymentClaim {
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

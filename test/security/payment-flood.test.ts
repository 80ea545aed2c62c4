import { generatePrivateKey } from 'viem/accounts';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { handSigned, type PaymentParts } from '../support/payment-header.ts';
import type { RawResponse } from '../support/raw-http.ts';
import type { Behaviour } from '../support/scripted-facilitator.ts';
import { codeOf, lastRequest, laySiege, paying, type Siege, statusOf } from './siege.ts';

/** Worthless payments, each of which costs a facilitator call: the facilitator limits how often we may call. */

const BUDGET = 5;
let siege: Siege;
/** Milliseconds that have passed on the gateway's clock, which otherwise does not move. */
let passed: number;

beforeEach(async () => {
  passed = 0;
  const startedAt = Date.now();
  siege = await laySiege(
    `
limits: { refusalsPerMinute: ${BUDGET} }
trustedProxies: [127.0.0.1]
routes:
  - { path: /paid, price: $0.001 }
  - { path: /other, price: $0.001 }
`,
    { clock: () => startedAt + passed },
  );
});
afterEach(() => siege.close());

function verified(): number {
  return siege.facilitator?.requests.filter(({ endpoint }) => endpoint === 'verify').length ?? 0;
}

function nextVerdicts(count: number, behaviour: Behaviour): void {
  siege.facilitator?.next('verify', ...Array.from({ length: count }, () => behaviour));
}

/** A payment whose signature only a chain can verify; it costs the sender nothing. */
async function junk(): Promise<PaymentParts> {
  return { ...(await siege.sign('/paid')), signature: `0x${'11'.repeat(65)}` };
}

async function bring(payment: PaymentParts, client = '192.0.2.1', path = '/paid'): Promise<RawResponse> {
  return await siege.ask(lastRequest(`GET ${path}`, [`X-Forwarded-For: ${client}`, paying(payment)]));
}

const FORGED = { kind: 'refuse', reason: 'invalid_exact_evm_signature' } as const;
const POOR = { kind: 'refuse', reason: 'invalid_exact_evm_insufficient_balance' } as const;

/** Uses up the budget of an address. */
async function exhaust(make: () => Promise<PaymentParts>, verdict: Behaviour, client?: string): Promise<void> {
  nextVerdicts(BUDGET, verdict);
  for (let index = 0; index < BUDGET; index += 1) expect(statusOf(await bring(await make(), client))).toBe(402);
}

describe('made-up payments', () => {
  it('cost no facilitator call above the budget of their address, and are answered without an offer', async () => {
    await exhaust(junk, FORGED);
    for (let index = 0; index < 10; index += 1) {
      const answer = await bring(await junk());
      expect([statusOf(answer), codeOf(answer)]).toEqual([429, 'too_many_payments']);
      expect(answer.all('payment-required')).toEqual([]);
      expect(Number(answer.all('retry-after')[0])).toBe(60 / BUDGET);
    }
    expect(verified()).toBe(BUDGET);
  });

  it('that come at once share the budget of their address', async () => {
    nextVerdicts(20, FORGED);
    const payments = await Promise.all(Array.from({ length: 20 }, junk));
    const statuses = (await Promise.all(payments.map((payment) => bring(payment)))).map(statusOf);
    expect(statuses.filter((status) => status === 402)).toHaveLength(BUDGET);
    expect(statuses.filter((status) => status === 429)).toHaveLength(20 - BUDGET);
    expect(verified()).toBe(BUDGET);
  });

  it('are verified again when the budget of their address has refilled', async () => {
    await exhaust(junk, FORGED);
    const payment = await junk();
    expect(statusOf(await bring(payment))).toBe(429);
    passed += 60_000 / BUDGET;
    expect(statusOf(await bring(payment))).toBe(200); // the scripted facilitator agrees again
    expect(verified()).toBe(BUDGET + 1);
  });

  it('do not block an honest buyer of the same address, whose signature is proved', async () => {
    await exhaust(junk, FORGED);
    expect(statusOf(await bring(await siege.sign('/paid')))).toBe(200);
  });

  it('do not block another client, and get no new budget by claiming another address', async () => {
    await exhaust(junk, FORGED, '192.0.2.1');
    expect(statusOf(await bring(await junk(), '192.0.2.7, 192.0.2.1'))).toBe(429);
    expect(statusOf(await bring(await junk(), '192.0.2.1, 192.0.2.7'))).toBe(200);
  });

  it('cost no budget when they turn out valid: a smart account may pay as often as it likes', async () => {
    for (let index = 0; index < 3 * BUDGET; index += 1) expect(statusOf(await bring(await junk()))).toBe(200);
  });
});

describe('payments of empty accounts', () => {
  it('use up the budget of their address when they are refused, although they are well signed', async () => {
    await exhaust(() => siege.sign('/paid'), POOR);
    expect(statusOf(await bring(await siege.sign('/paid')))).toBe(429);
    expect(verified()).toBe(BUDGET);
  });

  it('do not block a payer who has just paid', async () => {
    const key = generatePrivateKey();
    expect(statusOf(await bring(await siege.sign('/paid', { key })))).toBe(200);
    await exhaust(() => siege.sign('/paid'), POOR);
    expect(statusOf(await bring(await siege.sign('/paid', { key })))).toBe(200);
    // The payer's name alone is not enough: the signature has to be the payer's.
    const posing = { ...(await siege.sign('/paid', { key })), signature: `0x${'22'.repeat(65)}` } as const;
    await exhaust(junk, FORGED);
    expect(statusOf(await bring(posing))).toBe(429);
    // The first refusal ends this exception.
    nextVerdicts(1, POOR);
    expect(statusOf(await bring(await siege.sign('/paid', { key })))).toBe(402);
    expect(statusOf(await bring(await siege.sign('/paid', { key })))).toBe(429);
  });
});

describe('a refused payment that is sent again', () => {
  it('is refused from memory, with its reason and a fresh offer, for a minute', async () => {
    const validBefore = String(Math.floor(Date.now() / 1000) + 200);
    const payment = await handSigned(generatePrivateKey(), await siege.quote('/paid'), {
      authorization: { validBefore },
    });
    nextVerdicts(1, FORGED);
    const first = await bring(payment);
    for (let index = 0; index < 3 * BUDGET; index += 1) {
      const again = await bring(payment);
      expect(statusOf(again)).toBe(402);
      expect(again.body.toString()).toBe(first.body.toString());
      expect(again.all('payment-required')).toEqual(first.all('payment-required'));
    }
    expect(verified()).toBe(1);
    passed += 60_001;
    expect(statusOf(await bring(payment))).toBe(200);
  });

  it('is verified again a moment after a top-up', async () => {
    const payment = await siege.sign('/paid');
    nextVerdicts(1, POOR);
    expect(statusOf(await bring(payment))).toBe(402);
    expect(statusOf(await bring(payment))).toBe(402);
    expect(verified()).toBe(1);
    passed += 3_001;
    expect(statusOf(await bring(payment))).toBe(200);
  });

  it.each([
    ['a fault', { kind: 'reset' }, 503],
    ['a refusal without a reason', { kind: 'refuse', reason: 'unexpected_verify_error' }, 402],
    ['an unknown reason', { kind: 'refuse', reason: 'rate_limited' }, 402],
    ['a missing allowance', { kind: 'refuse', reason: 'permit2_allowance_required' }, 412],
  ] as const)('is verified again at once after %s', async (_name, behaviour, status) => {
    const payment = await siege.sign('/paid');
    nextVerdicts(1, behaviour);
    expect(statusOf(await bring(payment))).toBe(status);
    expect(statusOf(await bring(payment))).toBe(200);
  });

  it('does not block the valid payment that it imitates', async () => {
    const good = await siege.sign('/paid');
    nextVerdicts(3, FORGED);
    expect(statusOf(await bring({ ...good, signature: `0x${'11'.repeat(65)}` }))).toBe(402);
    expect(statusOf(await bring({ ...good, extensions: { spoiled: { yes: true } } }))).toBe(402);
    expect(statusOf(await bring(good, '192.0.2.1', '/other'))).toBe(402);
    expect(statusOf(await bring(good))).toBe(200);
  });
});

import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Devnet, deploySmartAccount, freshPayer, type Payer, startDevnet } from '../support/devnet.ts';
import { encodePayment, handSigned, type PaymentParts } from '../support/payment-header.ts';
import { codeOf, lastRequest, laySiege, paying, type Siege, statusOf } from './siege.ts';

/** A payment that names the account and nonce of a victim, without the victim's signature. */

let devnet: Devnet;
let siege: Siege;
let victim: Payer;

beforeAll(async () => {
  devnet = await startDevnet();
  siege = await laySiege(
    `
routes:
  - { path: /a, price: $0.001 }
  - { path: /named, methods: [POST], price: $0.001, settle: before, idempotent: true, paymentIdentifier: optional }
  - { path: /kept, price: $0.001, paymentIdentifier: required, keepAnswers: { size: 64KB } }
`,
    { devnet },
  );
  victim = await freshPayer(devnet);
});
beforeEach(() => siege.answer((req, res) => req.on('end', () => res.end('served'))));
afterAll(async () => {
  await siege.close();
  await devnet.close();
});

/** Signatures that only a chain can verify, so that they pass all earlier checks. */
const JUNK = [
  `0x${'11'.repeat(65)}`,
  `0x${'22'.repeat(100)}`,
  '0x',
  `0x${'33'.repeat(64)}6492${'6492'.repeat(15)}`,
] as const;

async function forged(payment: PaymentParts): Promise<{ status: number; body: string; offered: number }[]> {
  const answers = await Promise.all(
    JUNK.map((signature) => siege.ask(lastRequest('GET /a', [paying({ ...payment, signature })]))),
  );
  return answers.map((answer) => ({
    status: statusOf(answer),
    body: answer.body.toString('utf8'),
    offered: answer.all('payment-required').length,
  }));
}

describe("a made-up payment in a victim's name", () => {
  it('neither takes nor blocks the nonce before the victim uses it', async () => {
    const payment = await siege.sign('/a', { key: victim.key });
    const before = siege.seen.length;
    for (const { status, offered } of await forged(payment)) expect([status, offered]).toEqual([402, 1]);
    expect(siege.seen.length).toBe(before);
    const [own, ...others] = await Promise.all([
      siege.ask(lastRequest('GET /a', [paying(payment)])),
      ...JUNK.map((signature) => siege.ask(lastRequest('GET /a', [paying({ ...payment, signature })]))),
    ]);
    expect(statusOf(own)).toBe(200);
    for (const other of others) expect(statusOf(other)).toBe(402);
    expect(siege.seen.length - before).toBe(1);
  });

  it('learns nothing of what the victim bought: a used nonce and a fresh one look alike', async () => {
    const used = await siege.sign('/a', { key: victim.key });
    expect(statusOf(await siege.ask(lastRequest('GET /a', [paying(used)])))).toBe(200);
    const answers = await forged(used);
    for (const { status, offered, body } of answers) {
      expect([status, offered]).toEqual([402, 1]);
      expect(body).not.toContain('already');
    }
  });

  it('does not block a smart account, whose signature only the chain can judge', async () => {
    const owner = await freshPayer(devnet);
    const account = await deploySmartAccount(devnet, owner.address);
    await devnet.mint(account, 1_000_000n);
    const nonce = `0x${randomBytes(32).toString('hex')}`;
    const payment = await handSigned(owner.key, await siege.quote('/a'), { authorization: { from: account, nonce } });
    const before = siege.seen.length;
    for (const { status } of await forged(payment)) expect(status).toBe(402);
    expect(statusOf(await siege.ask(lastRequest('GET /a', [paying(payment)])))).toBe(200);
    for (const { status, body } of await forged(payment)) {
      expect(status).toBe(402);
      expect(body).not.toContain('already');
    }
    expect(siege.seen.length - before).toBe(1);
  });
});

const ID = 'purchase-0123456789';

function named(payment: PaymentParts, id: string): string {
  return encodePayment({ ...payment, extensions: { 'payment-identifier': { info: { id } } } });
}

describe("a victim's payment-identifier", () => {
  it('cannot be blocked by another payer with the same id, who does not get its answer either', async () => {
    const mine = named(await siege.sign('/kept', { key: victim.key }), ID);
    const before = siege.seen.length;
    const thief = await freshPayer(devnet);
    // First the thief, then the victim: neither blocks the other.
    const squatted = named(await siege.sign('/kept', { key: thief.key }), ID);
    expect(statusOf(await siege.ask(lastRequest('GET /kept', [paying(squatted)])))).toBe(200);
    expect(statusOf(await siege.ask(lastRequest('GET /kept', [paying(mine)])))).toBe(200);
    expect(siege.seen.length - before).toBe(2);
    const again = named(await siege.sign('/kept', { key: thief.key }), 'purchase-9876543210');
    expect(statusOf(await siege.ask(lastRequest('GET /kept', [paying(again)])))).toBe(200);
    expect(siege.seen.length - before).toBe(3);
  });

  it('gives no answer to a signature that is not the payer’s', async () => {
    const payment = await siege.sign('/kept', { key: victim.key });
    const id = 'purchase-of-the-victim';
    expect(statusOf(await siege.ask(lastRequest('GET /kept', [paying(named(payment, id))])))).toBe(200);
    const before = siege.seen.length;
    for (const signature of JUNK) {
      const fresh = await siege.sign('/kept', { key: victim.key });
      const answer = await siege.ask(lastRequest('GET /kept', [paying(named({ ...fresh, signature }, id))]));
      expect(statusOf(answer)).toBe(402);
    }
    expect(siege.seen.length).toBe(before);
  });

  it('is needed to collect what was bought with it, because the rest of a settled payment is public on the chain', async () => {
    const payment = await siege.sign('/named', { key: victim.key, method: 'POST' });
    const ask = (header: string) => siege.ask(lastRequest('POST /named', [paying(header), 'Content-Length: 0']));
    siege.answer((req, res) => req.on('end', () => res.writeHead(500).end('broken')));
    expect(statusOf(await ask(named(payment, 'purchase-of-a-broken')))).toBe(500);
    siege.answer((req, res) => req.on('end', () => res.end('served')));
    const before = siege.seen.length;
    for (const header of [encodePayment(payment), named(payment, 'purchase-made-up-1')]) {
      expect(codeOf(await ask(header))).toBe('payment_bound_to_another_request');
    }
    expect(siege.seen.length).toBe(before);
    expect(statusOf(await ask(named(payment, 'purchase-of-a-broken')))).toBe(200);
  });
});

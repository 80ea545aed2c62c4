import { decodePaymentRequiredHeader } from '@x402/core/http';
import { generatePrivateKey } from 'viem/accounts';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { Amount } from '../../../src/domain/amount.ts';
import type { AnswerReading } from '../../../src/domain/answer-reader.ts';
import { GatewayError } from '../../../src/domain/gateway-error.ts';
import { wordMeter } from '../../extension/word-meter.ts';
import { encodePayment, handSigned } from '../../support/payment-header.ts';
import { openValueGateway, type ValueGateway } from '../../support/value-gateway.ts';

/** Answers that say what they cost, and whose buyer left before they arrived. */

let gateway: ValueGateway;

beforeEach(async () => {
  gateway = await openValueGateway('routes:\n  - { path: /words/*, price: $0.001 }\n', {
    answerReaders: [wordMeter()],
  });
});

/** Opens the gateway with one reader, before an API that says three words. */
async function openFor(reading: AnswerReading): Promise<void> {
  gateway = await openValueGateway('routes:\n  - { path: /words/*, price: $0.001 }\n', {
    answerReaders: [{ readerOf: () => ({ begin: () => reading }) }],
  });
  gateway.api({ body: 'three words here' });
}

async function payment(target: string): Promise<readonly [string, string]> {
  const unpaid = await gateway.ask(target);
  const [accepted] = decodePaymentRequiredHeader(unpaid?.field('payment-required') ?? '').accepts;
  if (accepted === undefined) throw new Error('a challenge without offers');
  return ['PAYMENT-SIGNATURE', encodePayment(await handSigned(generatePrivateKey(), { ...accepted }))];
}

describe('a reader that fails', () => {
  const bug = (): never => {
    throw new TypeError('a bug of the reader');
  };
  const open = async (reading: AnswerReading) => {
    await openFor(reading);
    return await gateway.ask('/words/x', { fields: [await payment('/words/x')] });
  };
  const rows = async () => (await gateway.store.list({}, undefined, 10)).map(({ state }) => state);

  it('costs nothing before the money moved', async () => {
    const got = await open({ kind: 'whole', maxBytes: 100, charge: bug, larger: undefined });
    expect([got?.status, await rows(), gateway.facilitator.moved]).toEqual([500, ['released'], []]);
  });

  it('leaves the answer of the API unchanged once it is paid', async () => {
    const charge = () => ({ kind: 'charge', amount: 5n as Amount, finish: bug }) as const;
    const got = await open({ kind: 'whole', maxBytes: 100, charge, larger: undefined });
    expect([got?.body, await rows(), gateway.facilitator.moved]).toEqual(['three words here', ['delivered'], [5n]]);
    expect(gateway.summaries.at(-1)?.cause).toBeInstanceOf(TypeError);
  });

  it('costs nothing at the end of a stream, which is cut', async () => {
    await open({ kind: 'stream', adds: true, pass: (chunk) => [chunk], end: bug });
    expect([await rows(), gateway.facilitator.moved]).toEqual([['released'], []]);
  });
});

describe('a stream that says at its end what it costs', () => {
  beforeEach(async () => {
    const end = () => ({ kind: 'charge', amount: 5n as Amount }) as const;
    await openFor({ kind: 'stream', adds: true, pass: (chunk) => [chunk], end });
  });

  it('is handed on as a debt, as it is in the ledger', async () => {
    const got = await gateway.ask('/words/x', { fields: [await payment('/words/x')] });
    expect(got?.body).toBe('three words here');
    const [held] = await gateway.store.list({}, undefined, 1);
    expect(gateway.debts).toMatchObject([{ held, end: { answered: true } }]);
    expect(held).toMatchObject({ state: 'owed', answered: false, asked: 5n });
  });

  it('is no debt where what it costs could not be written down', async () => {
    const write = gateway.store.transition.bind(gateway.store);
    vi.spyOn(gateway.store, 'transition').mockImplementation(async (key, epoch, step, held) => {
      if (step.to === 'owed' && step.asked !== undefined) throw new GatewayError('store_unavailable');
      return await write(key, epoch, step, held);
    });
    const fields = [await payment('/words/x')];
    await gateway.ask('/words/x', { fields }).catch(() => undefined);
    expect(gateway.debts).toEqual([]);
    expect(await gateway.store.list({}, undefined, 1)).toMatchObject([{ state: 'uncharged', asked: undefined }]);
  });
});

describe('an answer that is collected with a payment that was charged before', () => {
  it('is completed with the receipt of that charge, and not charged again', async () => {
    const fields = [await payment('/words/x')];
    gateway.api({ body: 'three words here' });
    expect(await gateway.ask('/words/x', { fields, leaves: true })).toBeUndefined();
    gateway.api({ body: '{receipt} and many more words than before' });
    const collected = await gateway.ask('/words/x', { fields });
    const receipt = collected?.field('payment-response');
    expect(collected?.body).toBe(`${receipt} and many more words than before`);
    expect(gateway.facilitator.moved).toEqual([300n]);
  });

  it('is not charged again as a stream, and its end states the earlier charge', async () => {
    const fields = [await payment('/words/x')];
    gateway.api({ body: 'three words here' });
    await gateway.ask('/words/x', { fields, leaves: true });
    gateway.api({ body: 'one\nthe end\n', headers: ['Content-Type', 'text/event-stream'] });
    expect((await gateway.ask('/words/x', { fields }))?.body).toBe('one\n: settled 300\nthe end\n');
    expect(gateway.facilitator.moved).toEqual([300n]);
  });

  it('is sent unchanged when it is larger than its reader can hold', async () => {
    const fields = [await payment('/words/x')];
    gateway.api({ body: 'three words here' });
    await gateway.ask('/words/x', { fields, leaves: true });
    const body = `{receipt} ${'word '.repeat(1000)}`;
    gateway.api({ body });
    expect((await gateway.ask('/words/x', { fields }))?.body).toBe(body);
  });
});

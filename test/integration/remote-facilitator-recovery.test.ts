import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { RemoteFacilitatorSpec } from '../../src/domain/facilitator-spec.ts';
import { decodeEvidence, encodeEvidence } from '../../src/domain/payment-evidence.ts';
import type { Facilitator, OpenSettlement } from '../../src/facilitator/facilitator.ts';
import { openChainWitness } from '../../src/facilitator/remote/chain-witness.ts';
import { openRemoteFacilitator } from '../../src/facilitator/remote/remote-facilitator.ts';
import { families } from '../../src/registry.ts';
import { makePayment, notebook } from '../contract/facilitator-payments.ts';
import { type Devnet, startDevnet } from '../support/devnet.ts';
import {
  LIES,
  refusingUrl,
  SCRIPTED_PAYER,
  SCRIPTED_TRANSACTION,
  type ScriptedFacilitator,
  scriptedPayment,
  startScriptedFacilitator,
} from '../support/scripted-facilitator.ts';
import { settleInFull } from '../support/settle-in-full.ts';

const opened: Facilitator[] = [];
let devnet: Devnet;
let script: ScriptedFacilitator;

beforeAll(async () => {
  devnet = await startDevnet();
});
beforeEach(async () => {
  script = await startScriptedFacilitator();
});
afterEach(async () => {
  await Promise.all(opened.splice(0).map((facilitator) => facilitator.close()));
  await script.close();
});
afterAll(async () => {
  await devnet.close();
});

describe('a remote facilitator without a node', () => {
  it('is told of a settlement only after it was written down', async () => {
    let asked = -1;
    const book = notebook(() => {
      asked = script.requests.length;
    });
    expect(await settleInFull(open(), scriptedPayment(2), book.write)).toMatchObject({ kind: 'settled' });
    expect(asked).toBe(0);
    expect(book.attempts).toEqual([{ transaction: '', data: '{"version":2}' }]);
    expect(script.requests).toHaveLength(1);
  });

  it.each([1, 2] as const)('is asked the same again, byte for byte, after a crash: v%i', async (version) => {
    const payment = scriptedPayment(version);
    const book = notebook();
    script.next('settle', { kind: 'reset' });
    const first = open();
    await first.supported(signal());
    expect(await settleInFull(first, payment, book.write)).toMatchObject({ kind: 'unknown' });
    const evidence = decodeEvidence(encodeEvidence({ payment, repeatable: true, settle: 'before' }));
    if (evidence === undefined) throw new Error('the evidence cannot be read');
    const outcome = await open().resolve({ ...lost(book.last()), payment: evidence.payment }, signal());
    const settlement = { transaction: SCRIPTED_TRANSACTION, payer: SCRIPTED_PAYER, amount: 10000n };
    expect(outcome).toEqual({ kind: 'settled', settlement });
    const settles = script.requests.filter(({ endpoint }) => endpoint === 'settle');
    expect(settles).toHaveLength(2);
    expect(settles[1]?.text).toBe(settles[0]?.text);
    expect(JSON.parse(settles[1]?.text ?? '').x402Version).toBe(version);
  });

  it.each([
    'insufficient_funds',
    'invalid_exact_evm_nonce_already_used',
    'duplicate_settlement',
    'invalid_exact_evm_payload_authorization_valid_before',
  ])('proves nothing by refusing with %s', async (reason) => {
    script.next('settle', { kind: 'refuse', reason });
    expect(await open().resolve(lost(), signal())).toEqual({ kind: 'unknown', reason });
  });

  it('is not asked again about a known settlement, because without a chain nothing can be checked', async () => {
    const known = { transaction: SCRIPTED_TRANSACTION, payer: SCRIPTED_PAYER, amount: scriptedPayment(2).offer.amount };
    script.next('settle', { kind: 'refuse', reason: 'invalid_exact_evm_nonce_already_used' });
    expect(await open().resolve({ ...lost(), known }, signal())).toEqual({ kind: 'settled', settlement: known });
    expect(script.requests).toEqual([]);
  });

  it.each(Object.entries(LIES))('is not believed when it tells of %s', async (_, lie) => {
    script.next('settle', lie);
    expect((await open().resolve(lost(), signal())).kind).toBe('unknown');
  });

  it('leaves a settlement to the operator when its time is over without a proof', async () => {
    const late = open({}, () => (scriptedPayment(2).authorization.expiresAt + 301) * 1000);
    script.next('settle', { kind: 'refuse', reason: 'invalid_exact_evm_nonce_already_used' });
    expect(await late.resolve(lost(), signal())).toEqual({ kind: 'unknown', reason: 'expired_unresolved' });
  });

  it.each([
    ['reset', 'facilitator_unreachable'],
    ['huge', 'facilitator_invalid_answer'],
    ['hang', 'facilitator_timeout'],
  ] as const)('that does not answer (%s) is a fault, not an outcome', async (kind, code) => {
    script.next('settle', { kind });
    await expect(open({ settleTimeoutMs: 1_000 }).resolve(lost(), signal())).rejects.toMatchObject({ code });
  });

  it('is not asked about a settlement without a readable record', async () => {
    const facilitator = open();
    const never = { ...lost(), attempt: undefined };
    expect(await facilitator.resolve(never, signal())).toEqual({ kind: 'failed', reason: 'settlement_not_sent' });
    for (const data of ['', 'null', '{"version":3}']) {
      const outcome = await facilitator.resolve(lost({ transaction: '', data }), signal());
      expect(outcome).toEqual({ kind: 'unknown', reason: 'evidence_unreadable' });
    }
    expect(script.requests).toEqual([]);
  });
});

describe('a remote facilitator with a node', () => {
  it('is not believed when the transaction that it states does not exist', async () => {
    const made = await makePayment(devnet);
    expect(await settleInFull(watched(), made.payment, notebook().write)).toEqual({
      kind: 'unknown',
      reason: 'settlement_unproved',
      transaction: SCRIPTED_TRANSACTION,
    });
  });

  it('is not believed when the transaction that it states paid for something else', async () => {
    const [made, other] = [await makePayment(devnet), await makePayment(devnet)];
    const transaction = await other.frontRun();
    script.next('settle', { kind: 'agree', changed: { transaction } });
    expect(await settleInFull(watched(), made.payment, notebook().write)).toMatchObject({
      kind: 'unknown',
      transaction,
    });
  });

  it('is believed at once when the transaction proves the payment', async () => {
    const made = await makePayment(devnet);
    const transaction = await made.frontRun();
    script.next('settle', { kind: 'agree', changed: { transaction } });
    expect(await settleInFull(watched(), made.payment, notebook().write)).toMatchObject({
      kind: 'settled',
      settlement: { transaction },
    });
  });

  it('is not believed when it refuses a payment that the chain shows as paid', async () => {
    const made = await makePayment(devnet);
    const transaction = await made.frontRun();
    script.next('settle', { kind: 'refuse', reason: 'insufficient_funds' });
    expect(await settleInFull(watched(), made.payment, notebook().write)).toMatchObject({
      kind: 'settled',
      settlement: { transaction },
    });
  });

  it('is believed when it refuses and the chain shows nothing else', async () => {
    const made = await makePayment(devnet);
    const refused = { kind: 'failed', reason: 'insufficient_funds' };
    script.next('settle', { kind: 'refuse', reason: 'insufficient_funds' });
    expect(await settleInFull(watched(), made.payment, notebook().write)).toEqual(refused);
  });

  it('leaves a success unknown while the node is away, and a refusal as it is', async () => {
    const { payment } = await makePayment(devnet);
    const blind = open({ rpc: new Map([[devnet.network, await refusingUrl()]]), settleTimeoutMs: 3000 });
    expect(await settleInFull(blind, payment, notebook().write)).toMatchObject({ kind: 'unknown' });
    script.next('settle', { kind: 'refuse', reason: 'insufficient_funds' });
    expect(await settleInFull(blind, payment, notebook().write)).toMatchObject({ kind: 'failed' });
    const settlement = {
      payment,
      amount: payment.offer.amount,
      attempt: { transaction: '', data: '{"version":2}' },
      since: Date.now(),
    };
    await expect(blind.resolve(settlement, signal())).rejects.toMatchObject({ code: 'facilitator_unreachable' });
  });

  it('is asked the same again while the authorization is unused and alive, and the chain has the last word', async () => {
    const made = await makePayment(devnet);
    const settlement = { ...lost(), payment: made.payment };
    script.next('settle', { kind: 'refuse', reason: 'insufficient_funds' });
    expect(await watched().resolve(settlement, signal())).toEqual({ kind: 'unknown', reason: 'insufficient_funds' });
    expect(script.requests).toHaveLength(1);
    const transaction = await made.frontRun();
    expect(await watched().resolve(settlement, signal())).toMatchObject({
      kind: 'settled',
      settlement: { transaction },
    });
    expect(script.requests).toHaveLength(1);
  });

  it('is not believed when it is asked again and tells of a transaction that does not exist', async () => {
    const { payment } = await makePayment(devnet);
    expect(await watched().resolve({ ...lost(), payment }, signal())).toMatchObject({
      kind: 'unknown',
      reason: 'settlement_unproved',
    });
  });

  it('is not asked again about what was never sent', async () => {
    const { payment } = await makePayment(devnet);
    const never = { ...lost(), payment, attempt: undefined };
    expect(await watched().resolve(never, signal())).toEqual({ kind: 'failed', reason: 'settlement_not_sent' });
    expect(script.requests).toEqual([]);
  });

  it('that says after sending that the transaction failed leaves the payment in doubt until the chain shows it', async () => {
    const made = await makePayment(devnet);
    script.next('settle', { kind: 'refuse', reason: 'invalid_exact_evm_transaction_failed' });
    const book = notebook();
    const outcome = await settleInFull(watched(), made.payment, book.write);
    expect(outcome).toEqual({ kind: 'unknown', reason: 'invalid_exact_evm_transaction_failed' });
    const transaction = await made.frontRun();
    expect(await watched().resolve({ ...lost(book.last()), payment: made.payment }, signal())).toMatchObject({
      kind: 'settled',
      settlement: { transaction },
    });
  });
});

describe('a remote facilitator that settles without an earlier verification', () => {
  const SETTLED = { kind: 'settled' };
  const USED = { kind: 'failed', reason: 'invalid_exact_evm_nonce_already_used' };
  const REFUSED = { kind: 'refuse', reason: 'insufficient_funds' } as const;
  const LOST = { kind: 'refuse', reason: 'invalid_exact_evm_nonce_already_used' } as const;
  /** By how much the gateway's clock is ahead of the chain's, in seconds: it decides nothing. */
  const AHEAD = [-100, 0, 3, 30, 100];

  /** A facilitator that takes a payment unverified, and a clock that is wrong by so many seconds. */
  async function taking(ahead: number, nodes: 'rpc' | 'publicNodes' = 'rpc') {
    const made = await makePayment(devnet);
    const clock = (): number => Date.now() + ahead * 1000;
    const facilitator = open({ [nodes]: new Map([[devnet.network, devnet.rpcUrl]]) }, clock);
    await facilitator.supported(signal());
    expect(facilitator.takeUnverified?.(made.payment)).toBe(true);
    return { ...made, facilitator, clock };
  }

  it.each(AHEAD)('has a transfer from before the request refused, when its clock is %i s ahead', async (ahead) => {
    const { facilitator, payment, frontRun } = await taking(ahead);
    await frontRun();
    script.next('settle', REFUSED);
    expect(await settleInFull(facilitator, payment, notebook().write)).toMatchObject(USED);
  });

  it.each(AHEAD)('counts a transfer from after the request, when its clock is %i s ahead', async (ahead) => {
    const { facilitator, payment, frontRun } = await taking(ahead);
    script.next('settle', REFUSED);
    // The request is written down after the chain was asked, and before the facilitator is.
    const book = notebook(async () => void (await frontRun()));
    expect(await settleInFull(facilitator, payment, book.write)).toMatchObject(SETTLED);
  });

  it.each(
    AHEAD.flatMap((ahead) => [[ahead, 'before', USED] as const, [ahead, 'after', SETTLED] as const]),
  )('resolves later, with a clock that is %i s ahead, a transfer from %s the request', async (ahead, when, outcome) => {
    const { facilitator, payment, frontRun, clock } = await taking(ahead);
    if (when === 'before') await frontRun();
    script.next('settle', LOST);
    const book = notebook(async () => void (when === 'after' && (await frontRun())));
    const since = clock();
    expect(await settleInFull(facilitator, payment, book.write)).toMatchObject({ kind: 'unknown' });
    // As the next process does, after a crash: all it has is what was written down first.
    const [attempt] = book.attempts;
    const settlement = { payment, amount: payment.offer.amount, attempt, since };
    expect(await facilitator.resolve(settlement, signal())).toMatchObject(outcome);
  });

  it.each(AHEAD)('counts a later transfer by a public node, when its clock is %i s ahead', async (ahead) => {
    const { facilitator, payment, frontRun, clock } = await taking(ahead, 'publicNodes');
    script.next('settle', LOST);
    const book = notebook(async () => void (book.attempts.length === 1 && (await frontRun())));
    const since = clock();
    expect(await settleInFull(facilitator, payment, book.write)).toMatchObject({ kind: 'unknown' });
    const settlement = { payment, amount: payment.offer.amount, attempt: book.last(), since };
    expect(await facilitator.resolve(settlement, signal())).toMatchObject(SETTLED);
  });

  it('verifies a payment after all where its node does not say which block is the newest', async () => {
    const { payment } = await makePayment(devnet);
    const facilitator = open({ rpc: new Map([[devnet.network, await refusingUrl()]]), settleTimeoutMs: 3000 });
    await facilitator.supported(signal());
    expect(facilitator.takeUnverified?.(payment)).toBe(true);
    script.next('verify', REFUSED);
    const book = notebook();
    expect(await settleInFull(facilitator, payment, book.write)).toEqual({ ...USED, reason: REFUSED.reason });
    expect(book.attempts).toEqual([]);
    expect(script.requests.map(({ endpoint }) => endpoint)).toEqual(['supported', 'verify']);
    expect(facilitator.takeUnverified?.((await makePayment(devnet)).payment)).toBe(true);
  });

  it('leaves the doubt where a reorganisation replaced the block from before the request', async () => {
    const { facilitator, payment, frontRun, clock } = await taking(0);
    await frontRun();
    script.next('settle', LOST);
    const book = notebook();
    await settleInFull(facilitator, payment, book.write);
    const { transaction, data } = book.last();
    const attempt = { transaction, data: data.replace(/"hash":"0x[0-9a-f]{8}/, '"hash":"0x00000000') };
    const settlement = { payment, amount: payment.offer.amount, attempt, since: clock() };
    expect(await facilitator.resolve(settlement, signal())).toMatchObject({ kind: 'unknown' });
  });
});

describe('a remote facilitator on a network with a public node', () => {
  const refused = { kind: 'refuse', reason: 'invalid_exact_evm_nonce_already_used' } as const;

  it('is checked by that node only when a settlement is in doubt', async () => {
    const made = await makePayment(devnet);
    const facilitator = open({ publicNodes: new Map([[devnet.network, devnet.rpcUrl]]) });
    const transaction = await made.frontRun();
    script.next('settle', refused);
    const book = notebook();
    expect(await settleInFull(facilitator, made.payment, book.write)).toMatchObject({ kind: 'unknown' });
    expect(await facilitator.resolve({ ...lost(book.last()), payment: made.payment }, signal())).toMatchObject({
      kind: 'settled',
      settlement: { transaction },
    });
    expect(script.requests).toHaveLength(1);
  });

  it('is asked the same again while the authorization is unused, or while the node cannot be asked', async () => {
    const { payment } = await makePayment(devnet);
    let asked = 0;
    for (const url of [devnet.rpcUrl, await refusingUrl()]) {
      const facilitator = open({ publicNodes: new Map([[devnet.network, url]]) });
      script.next('settle', refused);
      expect(await facilitator.resolve({ ...lost(), payment }, signal())).toMatchObject({ kind: 'unknown' });
      asked += 1;
      expect(script.requests).toHaveLength(asked);
    }
  });
});

function open(change: Partial<RemoteFacilitatorSpec> = {}, clock: () => number = Date.now): Facilitator {
  const spec: RemoteFacilitatorSpec = {
    kind: 'remote',
    name: 'scripted',
    url: script.url,
    headers: [],
    cdp: undefined,
    verifyTimeoutMs: 20_000,
    settleTimeoutMs: 20_000,
    rpc: new Map(),
    ...change,
  };
  const facilitator = openRemoteFacilitator(spec, {
    families,
    clock,
    openWitness: openChainWitness,
    loadWitness: () => Promise.resolve(openChainWitness),
  });
  opened.push(facilitator);
  return facilitator;
}

/** One beside a node of the chain, which does not wait long for a transaction that is not there. */
function watched(): Facilitator {
  return open({ rpc: new Map([[devnet.network, devnet.rpcUrl]]), settleTimeoutMs: 1_000 });
}

function lost(attempt = { transaction: '', data: '{"version":2}' }): OpenSettlement {
  const payment = scriptedPayment(2);
  return { payment, amount: payment.offer.amount, attempt, since: Date.now() };
}

function signal(): AbortSignal {
  return AbortSignal.timeout(10_000);
}

import { afterEach, describe, expect, it, vi } from 'vitest';
import { type Amount, parseAmount } from '../../../src/domain/amount.ts';
import { GatewayError } from '../../../src/domain/gateway-error.ts';
import { parseNetwork } from '../../../src/domain/network.ts';
import type { OwnDebt } from '../../../src/domain/own-debt.ts';
import type { PaymentKey } from '../../../src/domain/payment.ts';
import { type ChargeOrder, encodeEvidence } from '../../../src/domain/payment-evidence.ts';
import type { AnswerOver, PaymentClaim, PaymentRecord } from '../../../src/domain/payment-record.ts';
import type { SettlementOutcome } from '../../../src/domain/settlement.ts';
import type { Webhook } from '../../../src/domain/webhook.ts';
import type { Facilitator, Journal } from '../../../src/facilitator/facilitator.ts';
import { Reconciler, type ReconcilerDeps } from '../../../src/recovery/reconciler.ts';
import { openMemoryLedger } from '../../../src/store/memory/memory-ledger.ts';
import type { PaymentStore } from '../../../src/store/payment-store.ts';
import { freshRecord } from '../../../src/store/record.ts';
import { paymentClaim } from '../../contract/ledger-scene.ts';
import { HOUR_MS, sale } from '../../contract/pass-sale.ts';
import { scriptedPayment } from '../../support/scripted-facilitator.ts';

const KEY = 'eip155:84532|token|payer|nonce' as PaymentKey;
const SETTLEMENT = { transaction: `0x${'ab'.repeat(32)}`, payer: 'payer', amount: parseAmount('1000')! };

const EVIDENCE = encodeEvidence({ payment: scriptedPayment(2), repeatable: true, settle: 'before' });

/** A chain on which a settled transaction is, or is no longer. */
function facilitatorThatFinds(find: () => SettlementOutcome): Facilitator {
  const refuse = (): never => {
    throw new Error('a second look neither verifies nor settles');
  };
  return {
    name: 'witness',
    supported: async () => [],
    verify: refuse,
    settle: refuse,
    resolve: async ({ known }) => {
      expect(known).toEqual(SETTLEMENT);
      return find();
    },
    close: async () => {},
  };
}

/** The parts that a test has to give. */
type Given = Pick<ReconcilerDeps, 'store' | 'owner' | 'clock'> &
  Partial<Omit<ReconcilerDeps, 'notes'>> & { readonly notes?: Partial<ReconcilerDeps['notes']> };

/** A reconciler that knows no facilitator, keeps rows for long, and fails its test at any trouble, unless told otherwise. */
function reconcilerOf({ notes, ...given }: Given): Reconciler {
  return new Reconciler({
    facilitator: () => undefined,
    retentionMs: () => 1000 * HOUR_MS,
    retryWindowMs: () => HOUR_MS,
    webhooks: () => [],
    everyRound: async () => {},
    notes: {
      moved: () => {},
      takenBack: () => {},
      heard: () => {},
      trouble: (_what, fault) => expect.fail(String(fault)),
      ...notes,
    },
    ...given,
  });
}

async function settledPayment(store: PaymentStore, now: number): Promise<void> {
  const { record } = await store.claim({
    key: KEY,
    fingerprint: 'f',
    digest: 'd',
    requestId: 'r',
    route: 'weather',
    payer: 'payer',
    network: parseNetwork('eip155:84532')!,
    asset: 'token',
    amount: SETTLEMENT.amount,
    payTo: 'payee',
    scheme: 'exact',
    claimedAt: now,
    expiresAt: now / 1000 + 60,
    state: 'settling',
    owner: 'gone',
    facilitator: 'witness',
    evidence: EVIDENCE,
    identifier: undefined,
  });
  await store.transition(KEY, record.epoch, { to: 'delivering', settlement: SETTLEMENT, checkAt: now + 60_000 });
  await store.transition(KEY, record.epoch + 1, { to: 'delivered' });
}

/** Looks as often as it is told to, an hour apart; says what was reported as taken back. */
async function lookedAt(
  times: number,
  find: () => SettlementOutcome,
): Promise<{ taken: PaymentRecord[]; row: PaymentRecord }> {
  let now = 1_800_000_000_000;
  const clock = (): number => now;
  const store = openMemoryLedger(clock);
  await settledPayment(store, now);
  const taken: PaymentRecord[] = [];
  for (let time = 0; time < times; time += 1) {
    now += HOUR_MS;
    const reconciler = reconcilerOf({
      store,
      owner: `looker ${time}`,
      facilitator: () => facilitatorThatFinds(find),
      notes: {
        takenBack: (record) => taken.push(record),
      },
      clock,
    });
    await reconciler.start();
    await reconciler.stop();
  }
  return { taken, row: (await store.find(KEY))! };
}

describe('the second look at a settled payment', () => {
  it('ends when the transaction is still there', async () => {
    const { taken, row } = await lookedAt(1, () => ({ kind: 'settled', settlement: SETTLEMENT }));
    expect(taken).toEqual([]);
    expect(row).toMatchObject({ state: 'delivered', checkAt: 0, evidence: undefined });
  });

  it('goes on while a transaction that the chain took back is being sent again', async () => {
    let looks = 0;
    const { taken, row } = await lookedAt(3, () => {
      looks += 1;
      return looks < 3
        ? { kind: 'unknown', reason: 'settlement_pending' }
        : { kind: 'settled', settlement: SETTLEMENT };
    });
    expect(looks).toBe(3);
    expect(taken).toEqual([]);
    expect(row).toMatchObject({ state: 'delivered', checkAt: 0 });
  });

  it('reports a settlement that stays missing, once, and leaves the payment unchanged', async () => {
    const { taken, row } = await lookedAt(14, () => ({ kind: 'unknown', reason: 'settlement_pending' }));
    expect(taken.map(({ key }) => key)).toEqual([KEY]);
    expect(row).toMatchObject({ state: 'delivered', checkAt: 0, settlement: SETTLEMENT });
  });
});

describe('a transfer of somebody else that bought a pass', () => {
  it('gets its pass stored by the second look when its buyer never collected it', async () => {
    let now = 1_800_000_000_000;
    const clock = (): number => now;
    const store = openMemoryLedger(clock);
    const payment = scriptedPayment(2);
    const { scope, opens, version, forMs, requests } = sale({});
    const access = { scope, opens, version, forMs, requests };
    const evidence = encodeEvidence({
      payment: { ...payment, offer: { ...payment.offer, access } },
      repeatable: true,
      settle: 'before',
    });
    const { record } = await store.claim({ ...paymentClaim({ name: 'bought', state: 'settling' }), evidence });
    const settlement = { ...SETTLEMENT, amount: record.amount };
    await store.transition(record.key, record.epoch, { to: 'undelivered', settlement, checkAt: now + 60_000 });
    now += HOUR_MS;
    const reconciler = reconcilerOf({
      store,
      owner: 'looker',
      facilitator: () => ({
        ...facilitatorThatFinds(() => expect.fail('another settlement is known')),
        resolve: async () => ({ kind: 'settled', settlement }),
      }),
      clock,
    });
    await reconciler.start();
    await reconciler.stop();
    const { passes } = await store.passes.listPasses(undefined, 10);
    expect(passes).toHaveLength(1);
  });
});

/** An answer on credit in a ledger, which is going out, and its row. */
async function advanceIn(store: PaymentStore, name: string, facts: Partial<PaymentClaim> = {}): Promise<PaymentRecord> {
  const claim = { ...paymentClaim({ name, state: 'forwarding', owner: 'seller' }), ...facts };
  const { record } = await store.claim(claim);
  const owed = await store.transition(record.key, record.epoch, { to: 'owed', asked: record.amount });
  if (owed.record === undefined) throw new Error(`${name} is not in the ledger`);
  return owed.record;
}

/** A debt in a ledger, whose answer is out, and which the ledger hands out from `checkAt` on. */
async function debtIn(store: PaymentStore, name: string, checkAt: number): Promise<PaymentRecord> {
  const { key, epoch } = await advanceIn(store, name);
  const answered = await store.transition(key, epoch, { to: 'owed', answered: true, checkAt });
  if (answered.record === undefined) throw new Error(`${name} is not in the ledger`);
  return answered.record;
}

const NOW = 1_800_000_000_000;
const PAYMENT = scriptedPayment(2);
/** A debt that the ledger hands out. */
const EXPIRED: OwnDebt = {
  held: { ...freshRecord(paymentClaim({ name: 'expired' }), 1, NOW), expiresAt: 0 },
  payment: PAYMENT,
  end: {},
};
const ANSWERED = { answered: true } as const;
/** Facts of a claim that can be settled, for as long as its debt is this process's. */
const SETTLEABLE = {
  claimedAt: NOW,
  expiresAt: NOW / 1000 + 600,
  amount: SETTLEMENT.amount,
  evidence: encodeEvidence({ payment: PAYMENT, repeatable: true, settle: 'deferred' }),
};

/** One step of the conversation with a facilitator that is asked to settle. */
type Settling = (journal: Journal) => Promise<SettlementOutcome>;

describe('an answer on credit that went out of this process', () => {
  const SETTLED: SettlementOutcome = { kind: 'settled', settlement: SETTLEMENT };

  /** A process that sells, with a facilitator, and what it did: the steps of its debts, and its takings. */
  function seller(settling: Settling, resolve: () => SettlementOutcome = () => SETTLED) {
    const time = { now: NOW };
    const clock = (): number => time.now;
    const store = openMemoryLedger(clock);
    const moves: string[] = [];
    const troubles: string[] = [];
    const asked = vi.fn(settling);
    const reconciler = reconcilerOf({
      store,
      owner: 'seller',
      facilitator: () => ({
        ...facilitatorThatFinds(() => SETTLED),
        settle: (_payment, _amount, journal) => asked(journal),
        resolve: async () => resolve(),
      }),
      notes: {
        moved: (_record, { to }) => void moves.push(to),
        trouble: (_what, fault) => void troubles.push(fault instanceof GatewayError ? fault.code : String(fault)),
      },
      clock,
    });
    const written = vi.fn(async () => {});
    return {
      store,
      time,
      moves,
      troubles,
      asked,
      written,
      reconciler,
      taken: vi.spyOn(store, 'takeOwed'),
      /** Sells an answer that ended so, and waits until its debt is looked at. */
      async sell(end: AnswerOver = ANSWERED): Promise<PaymentRecord> {
        const held = await advanceIn(store, 'mine', SETTLEABLE);
        await reconciler.debts.add({ held, payment: PAYMENT, end }, written);
        await reconciler.debts.stop();
        const row = await store.find(held.key);
        if (row === undefined) throw new Error('the debt is gone');
        return row;
      },
    };
  }

  const ATTEMPT = { transaction: '0xab', data: 'attempt' };
  const settles: Settling = async (journal) => {
    await journal(ATTEMPT);
    return SETTLED;
  };

  /** A facilitator that settles, from `ready` on, and how often it sent the money. */
  function sender(ready: Promise<void> = Promise.resolve()) {
    let sent = 0;
    const settling: Settling = async (journal) => {
      await ready;
      await journal(ATTEMPT);
      sent += 1;
      return SETTLED;
    };
    return { settling, sent: () => sent };
  }

  it('is settled by the row that its request holds in two steps, and nobody takes it', async () => {
    const { sell, moves, taken, written } = seller(settles);
    expect(await sell()).toMatchObject({ state: 'delivered', answered: true, attempt: { data: 'attempt' } });
    expect(moves).toEqual(['settling', 'delivered']);
    expect([taken.mock.calls.length, written.mock.calls.length]).toEqual([0, 0]);
  });

  it.each([
    [{ leftEarly: true }, 'delivered_in_part'],
    [{}, 'undelivered'],
  ] as const)('that ended with %j is %s once its money moved', async (end, state) => {
    expect(await seller(settles).sell(end)).toMatchObject({ state, ...end });
  });

  it('says that its answer is out before anything is sent', async () => {
    const rows: unknown[] = [];
    const { store, sell } = seller(async (journal) => {
      await journal(ATTEMPT);
      rows.push(...(await store.list({}, undefined, 10)));
      return SETTLED;
    });
    await sell();
    expect(rows).toMatchObject([{ state: 'settling', answered: true, attempt: { data: 'attempt' } }]);
  });

  it('comes to its end where it is settled without an attempt', async () => {
    const { sell, moves } = seller(async () => SETTLED);
    expect(await sell()).toMatchObject({ state: 'delivered', answered: true });
    expect(moves).toEqual(['settling', 'delivered']);
  });

  it.each([
    ['overloaded', async () => Promise.reject(new GatewayError('facilitator_overloaded'))],
    ['away', async () => Promise.reject(new GatewayError('facilitator_unreachable'))],
  ] as const)('stays owed, and is handed out, where its facilitator is %s and nothing was sent', async (_why, settling) => {
    const { sell, store, time, moves } = seller(settling);
    expect(await sell()).toMatchObject({ state: 'owed', answered: true, attempt: undefined, checkAt: NOW + 1000 });
    expect(moves).toEqual(['owed']);
    time.now += 1000;
    expect(await store.takeOwed('other', time.now, 1000, 10)).toHaveLength(1);
  });

  it('is looked for by this process where something was sent before a fault', async () => {
    const { reconciler, store, asked, moves } = seller(async (journal) => {
      await journal(ATTEMPT);
      throw new GatewayError('facilitator_unreachable');
    });
    const held = await advanceIn(store, 'mine', SETTLEABLE);
    await reconciler.debts.add({ held, payment: PAYMENT, end: ANSWERED }, async () => {});
    await expect.poll(() => moves).toEqual(['settling']);
    await reconciler.start();
    await reconciler.stop();
    expect(moves).toEqual(['settling', 'delivered']);
    expect(asked).toHaveBeenCalledTimes(1);
  });

  it('is not asked for where the ledger cannot write the attempt down, but later, and once', async () => {
    const { settling, sent } = sender();
    const { reconciler, store, moves, troubles } = seller(settling);
    const held = await advanceIn(store, 'mine', SETTLEABLE);
    vi.spyOn(store, 'transition')
      .mockRejectedValueOnce(new GatewayError('store_unavailable'))
      .mockRejectedValueOnce(new GatewayError('store_unavailable'));
    await reconciler.debts.add({ held, payment: PAYMENT, end: ANSWERED }, async () => {});
    await expect.poll(() => troubles).toEqual(['store_unavailable']);
    expect([sent(), moves]).toEqual([0, []]);
    await reconciler.start();
    await reconciler.stop();
    expect([sent(), moves]).toEqual([1, ['settling', 'delivered']]);
  });

  it('is put down when its settlement takes long until the attempt, and is settled all the same', async () => {
    const attempt = Promise.withResolvers<void>();
    const { reconciler, store, moves } = seller(sender(attempt.promise).settling);
    await store.beat('seller', NOW);
    const held = await advanceIn(store, 'mine', SETTLEABLE);
    await reconciler.debts.add({ held, payment: PAYMENT, end: ANSWERED }, async () => {});
    const stop = reconciler.debts.stop();
    await expect.poll(async () => await store.find(held.key)).toMatchObject({ state: 'owed', answered: true });
    expect(moves).toEqual([]);
    expect(await store.takeOwed('other', NOW, 1000, 10)).toEqual([]);
    attempt.resolve();
    await stop;
    expect(moves).toEqual(['settling', 'delivered']);
  });

  it('that was put down is not asked for by this process when another one has taken it', async () => {
    const attempt = Promise.withResolvers<void>();
    const { settling, sent } = sender(attempt.promise);
    const { reconciler, store, moves } = seller(settling);
    const held = await advanceIn(store, 'mine', SETTLEABLE);
    await reconciler.debts.add({ held, payment: PAYMENT, end: ANSWERED }, async () => {});
    const stop = reconciler.debts.stop();
    await expect.poll(() => store.takeOwed('other', NOW + 30_000, 1000, 10)).toHaveLength(1);
    attempt.resolve();
    await stop;
    expect([sent(), moves]).toEqual([0, []]);
  });

  it('ends as a default where its payment ran out before anything could be sent', async () => {
    const { sell, time, moves } = seller(async () => {
      time.now += 3_600_000;
      throw new GatewayError('facilitator_unreachable');
    });
    expect(await sell()).toMatchObject({ state: 'defaulted', answered: true, checkAt: 0 });
    expect(moves).toEqual(['settling', 'defaulted']);
  });

  it('is not asked for by this process when another one has taken it meanwhile', async () => {
    const { settling, sent } = sender();
    const { reconciler, store, moves, troubles } = seller(settling);
    const held = await advanceIn(store, 'mine', SETTLEABLE);
    // A minute of silence: it counts as gone.
    expect(await store.takeOpen('other', NOW + 60_000, 1000, 10, NOW + 60_000)).toHaveLength(1);
    await reconciler.debts.add({ held, payment: PAYMENT, end: ANSWERED }, async () => {});
    await reconciler.debts.stop();
    expect([sent(), moves, troubles]).toEqual([0, [], []]);
  });

  it('is taken by another process once this one is gone', async () => {
    const { store, time } = seller(settles);
    await store.beat('seller', time.now);
    await advanceIn(store, 'left', SETTLEABLE);
    const taking = () => store.takeOpen('other', time.now, 1000, 10, time.now);
    expect(await taking()).toEqual([]);
    time.now += 15_000;
    expect(await taking()).toHaveLength(1);
  });
});

describe('payments that processes left behind', () => {
  /** A process on a ledger, a second for each round, and how often it read all open payments. */
  function looker() {
    let [now, passed] = [NOW, 0];
    const store = openMemoryLedger(() => now);
    const takeOpen = vi.spyOn(store, 'takeOpen');
    let rounds = 0;
    const moves: string[] = [];
    const troubles: string[] = [];
    const reconciler = reconcilerOf({
      store,
      owner: 'looker',
      notes: {
        moved: (_record, { to }) => void moves.push(to),
        trouble: (_what, fault) => void troubles.push(String(fault)),
      },
      facilitator: () => facilitatorThatFinds(() => ({ kind: 'settled', settlement: SETTLEMENT })),
      everyRound: async () => {
        rounds += 1;
      },
      clock: () => now,
      monotonic: () => passed,
    });
    return {
      store,
      reconciler,
      now: () => now,
      readings: () => takeOpen.mock.calls.length,
      takeOpen,
      moves,
      troubles,
      /** Rounds of a second each: a debt that is due brings one about, as it does where much is sold. */
      async rounds(count: number) {
        for (const end = rounds + count; rounds < end; ) {
          const before = rounds;
          now += 1000;
          passed += 1000;
          await reconciler.debts.add(EXPIRED, async (checkAt) => void (await debtIn(store, `debt ${now}`, checkAt)));
          await expect.poll(() => rounds).toBeGreaterThan(before);
        }
      },
    };
  }

  it('are looked for at the start and then each half minute, and what is due is taken in each round', async () => {
    const { store, reconciler, readings, rounds, now, troubles } = looker();
    await reconciler.start();
    await rounds(29);
    expect(readings()).toBe(1);
    expect(await store.takeOwed('other', now() + 1000, 1000, 100)).toEqual([]);
    await rounds(1);
    expect(readings()).toBe(2);
    expect(troubles).toEqual([]);
    await reconciler.stop();
  });

  it('are taken in the round that follows the end of their process', async () => {
    const { store, reconciler, readings, rounds, now, moves } = looker();
    await reconciler.start();
    await store.beat('seller', now());
    await store.claim(paymentClaim({ name: 'held', state: 'forwarding', owner: 'seller' }));
    await rounds(3);
    expect([readings(), moves.includes('released')]).toEqual([1, false]);
    await store.retire('seller');
    await rounds(1);
    expect([readings(), moves.includes('released')]).toEqual([2, true]);
    await rounds(3);
    expect(readings()).toBe(2);
    await reconciler.stop();
  });

  it('are taken when their process has been silent for too long', async () => {
    const { store, reconciler, rounds, now, moves } = looker();
    await reconciler.start();
    await store.beat('seller', now());
    await store.claim(paymentClaim({ name: 'held', state: 'forwarding', owner: 'seller' }));
    await rounds(14);
    expect(moves).not.toContain('released');
    await rounds(1);
    expect(moves).toContain('released');
    await reconciler.stop();
  });

  it('are looked for at once when there is something to look into, and again after a failure', async () => {
    const { reconciler, readings, takeOpen, rounds, troubles } = looker();
    await reconciler.start();
    takeOpen.mockRejectedValueOnce(new Error('away'));
    reconciler.wake();
    await expect.poll(() => troubles).toEqual(['Error: away']);
    await rounds(1);
    expect(readings()).toBe(3);
    await rounds(1);
    expect(readings()).toBe(3);
    await reconciler.stop();
  });
});

describe('answers on credit, one after the other', () => {
  it('are taken up as they come, and other work has its round each second all the same', async () => {
    let [now, passed, rounds, looks] = [1_800_000_000_000, 0, 0, 0];
    const store = openMemoryLedger(() => now);
    const reconciler = reconcilerOf({
      store,
      owner: 'seller',
      facilitator: () => facilitatorThatFinds(() => ({ kind: 'settled', settlement: SETTLEMENT })),
      retentionMs: () => HOUR_MS,
      everyRound: async () => {
        rounds += 1;
      },
      notes: {
        moved: () => {
          looks += 1;
        },
      },
      clock: () => now,
      monotonic: () => passed,
    });
    const sell = async (name: string): Promise<void> => {
      const before = looks;
      await reconciler.debts.add(EXPIRED, async (checkAt) => void (await debtIn(store, name, checkAt)));
      await expect.poll(() => looks).toBeGreaterThan(before);
    };
    await reconciler.start();
    for (const name of ['one', 'two', 'three']) await sell(name);
    expect(rounds).toBe(1);
    now += 1000;
    passed += 1000;
    await sell('four');
    await expect.poll(() => rounds).toBe(2);
    await reconciler.stop();
  });
});

describe('a clock that jumps ahead', () => {
  it('takes nothing from a process that lives, and later what one left behind that is gone', async () => {
    let [now, passed, rounds] = [1_800_000_000_000, 0, 0];
    const store = openMemoryLedger(() => now);
    await store.beat('other', now);
    await store.claim(paymentClaim({ name: 'held', state: 'forwarding', owner: 'other' }));
    const holder = async () => (await store.list({}, undefined, 1))[0]?.owner;
    const reconciler = reconcilerOf({
      store,
      owner: 'looker',
      retentionMs: () => HOUR_MS,
      everyRound: async () => {
        rounds += 1;
      },
      clock: () => now,
      monotonic: () => passed,
    });
    /** Two rounds: the first may have begun before the call. */
    const round = async (): Promise<void> => {
      for (const next of [rounds + 1, rounds + 2]) {
        reconciler.wake();
        await expect.poll(() => rounds).toBeGreaterThanOrEqual(next);
      }
    };
    const pass = (ms: number): void => {
      now += ms;
      passed += ms;
    };
    await reconciler.start();
    now += 20 * 60_000; // the jump
    await round();
    expect(await holder()).toBe('other');
    pass(1000);
    await store.beat('other', now);
    for (const _second of [1, 2]) {
      pass(7_400);
      await round();
      expect(await holder()).toBe('other');
    }
    pass(1000);
    await round();
    expect(await holder()).toBe('looker');
    await reconciler.stop();
  });
});

describe('a taking of what a dead process left whose reply gets lost', () => {
  it.each([
    'forwarding',
    'settling',
  ] as const)('keeps no payment in %s open once the lease has ended', async (state) => {
    let now = 1_800_000_000_000;
    const store = openMemoryLedger(() => now);
    await store.claim(paymentClaim({ state, owner: 'gone' }));
    const troubles: string[] = [];
    let isLost = true;
    const takeOpen: PaymentStore['takeOpen'] = async (...taking) => {
      const rows = await store.takeOpen(...taking);
      if (isLost) throw new Error('the connection broke after the commit');
      return rows;
    };
    const bound = new Proxy(store, {
      get: (target, name) => (name === 'takeOpen' ? takeOpen : bind(target, Reflect.get(target, name))),
    });
    const reconciler = reconcilerOf({
      store: bound,
      owner: 'looker',
      notes: { trouble: (what) => troubles.push(what) },
      clock: () => now,
    });
    const stateNow = async () => (await store.list({}, undefined, 1))[0]?.state;
    await reconciler.start();
    expect([await stateNow(), troubles]).toEqual([state, ['open payments']]);
    isLost = false;
    now += 29_999;
    reconciler.wake();
    await expect.poll(() => store.list({}, undefined, 1)).toMatchObject([{ state, owner: 'looker' }]);
    now += 1;
    reconciler.wake();
    await expect.poll(stateNow).toBe(state === 'forwarding' ? 'released' : 'unknown');
    await reconciler.stop();
  });
});

/** Methods with private fields need the object that has them. */
function bind(target: object, member: unknown): unknown {
  return typeof member === 'function' ? member.bind(target) : member;
}

describe('a payment that moved no money', () => {
  it.each([
    ['released', 60_000],
    ['failed', 24 * HOUR_MS],
  ] as const)('is forgotten %s after %i ms, however many there are', async (state, keptMs) => {
    let now = 1_800_000_000_000;
    const clock = (): number => now;
    const store = openMemoryLedger(clock);
    for (let index = 0; index < 1200; index += 1) {
      const claim = paymentClaim({ name: `${index}`, state: state === 'failed' ? 'settling' : 'forwarding' });
      const { record } = await store.claim(claim);
      await store.transition(record.key, record.epoch, { to: state });
    }
    const round = async () => {
      const reconciler = reconcilerOf({
        store,
        owner: 'looker',
        clock,
      });
      await reconciler.start();
      await reconciler.stop();
      return (await store.list({}, undefined, 2000)).length;
    };
    now += keptMs;
    expect(await round()).toBe(1200);
    now += 1;
    expect(await round()).toBe(0);
  });
});

describe('a settlement that recovery finds', () => {
  it.each([
    ['the claim', undefined, 0],
    ['an earlier transfer that the claim was made for', 250_000, 250_000],
    ['the claim, by a chain whose clock runs ahead', -5_000, 0],
  ])('is looked for from %s on', async (_from, earlierMs, looksBackMs) => {
    const now = 1_800_000_000_000;
    const store = openMemoryLedger(() => now);
    const movedAt = earlierMs === undefined ? undefined : now - earlierMs;
    const evidence = encodeEvidence({ payment: scriptedPayment(2), repeatable: true, settle: 'before', movedAt });
    const { amount } = SETTLEMENT;
    await store.claim(paymentClaim({ state: 'settling', owner: 'gone', evidence, amount, claimedAt: now }));
    const asked: number[] = [];
    const finds = facilitatorThatFinds(() => ({ kind: 'settled', settlement: SETTLEMENT }));
    const resolve: Facilitator['resolve'] = async ({ since }) => {
      asked.push(now - since);
      return { kind: 'settled', settlement: SETTLEMENT };
    };
    const reconciler = reconcilerOf({
      store,
      owner: 'finder',
      facilitator: () => ({ ...finds, resolve }),
      retentionMs: () => HOUR_MS,
      clock: () => now,
    });
    await reconciler.start();
    await reconciler.stop();
    expect(asked).toEqual([looksBackMs]);
  });

  it('is looked for again after a fault that is no answer of its facilitator', async () => {
    let now = 1_800_000_000_000;
    const store = openMemoryLedger(() => now);
    const { amount } = SETTLEMENT;
    const claim = paymentClaim({ state: 'settling', owner: 'gone', evidence: EVIDENCE, amount });
    await store.claim(claim);
    const finds = facilitatorThatFinds(() => ({ kind: 'settled', settlement: SETTLEMENT }));
    let looks = 0;
    const resolve: Facilitator['resolve'] = async () => {
      looks += 1;
      if (looks === 1) throw new TypeError('the node said something new');
      return { kind: 'settled', settlement: SETTLEMENT };
    };
    const troubles: string[] = [];
    const reconciler = reconcilerOf({
      store,
      owner: 'finder',
      facilitator: () => ({ ...finds, resolve }),
      notes: { trouble: (what) => troubles.push(what) },
      clock: () => now,
    });
    await reconciler.start();
    expect(await store.find(claim.key)).toMatchObject({ state: 'unknown', reason: 'unexpected_settle_error' });
    expect(troubles).toEqual([`facilitator ${claim.facilitator}`]);
    now += 5000;
    reconciler.wake();
    await expect.poll(async () => (await store.find(claim.key))?.settlement).toEqual(SETTLEMENT);
    await reconciler.stop();
  });

  it('is told to the receivers of its route', async () => {
    const now = 1_800_000_000_000;
    const store = openMemoryLedger(() => now);
    const { amount } = SETTLEMENT;
    const claim = paymentClaim({ state: 'settling', owner: 'gone', evidence: EVIDENCE, amount });
    await store.claim(claim);
    const hook: Webhook = { id: 'books', url: 'https://books.example/', secret: 'x', routes: undefined };
    const finds = facilitatorThatFinds(() => ({ kind: 'settled', settlement: SETTLEMENT }));
    const reconciler = reconcilerOf({
      store,
      owner: 'finder',
      facilitator: () => ({ ...finds, resolve: async () => ({ kind: 'settled', settlement: SETTLEMENT }) }),
      retentionMs: () => HOUR_MS,
      webhooks: () => [hook, { ...hook, id: 'jobs', routes: ['jobs'] }],
      clock: () => now,
    });
    await reconciler.start();
    await reconciler.stop();
    expect((await store.find(claim.key))?.settlement).toEqual(SETTLEMENT);
    expect((await store.outbox.takeDue('books', now, 1, 10)).deliveries).toMatchObject([
      { event: { type: 'payment.settled', payment: claim.key, transaction: SETTLEMENT.transaction } },
    ]);
    expect((await store.outbox.takeDue('jobs', now, 1, 10)).deliveries).toEqual([]);
  });
});

describe('pruning', () => {
  it('deletes passes that ended longer ago than what is kept', async () => {
    let now = 1_800_000_000_000;
    const clock = (): number => now;
    const store = openMemoryLedger(clock);
    const old = await store.passes.grant(sale({ payment: 'old', version: 'old' }), now);
    const recent = await store.passes.grant(sale({ payment: 'recent', version: 'recent', forMs: 3 * HOUR_MS }), now);
    now += 3 * HOUR_MS;
    const reconciler = reconcilerOf({
      store,
      owner: 'pruner',
      retentionMs: () => HOUR_MS,
      clock,
    });
    await reconciler.start();
    await reconciler.stop();
    expect(await store.passes.findPass(old.id)).toBeUndefined();
    expect(await store.passes.findPass(recent.id)).toEqual(recent);
  });
});

describe('an answer on credit whose process is gone', () => {
  const asksFor = async (asked: Amount | undefined, settle: ChargeOrder): Promise<[PaymentRecord, Amount[]]> => {
    let now = 1_800_000_000_000;
    const store = openMemoryLedger(() => now);
    const evidence = encodeEvidence({ payment: scriptedPayment(2), repeatable: true, settle });
    const claim = paymentClaim({ key: KEY, state: 'forwarding', owner: 'gone', evidence, amount: SETTLEMENT.amount });
    const { record } = await store.claim({ ...claim, claimedAt: now, expiresAt: now / 1000 + 3600 });
    await store.transition(KEY, record.epoch, { to: settle === 'by_answer' ? 'uncharged' : 'owed' });
    if (asked !== undefined) await store.transition(KEY, record.epoch + 1, { to: 'owed', asked });
    now += HOUR_MS / 60;
    const amounts: Amount[] = [];
    const facilitator: Facilitator = {
      ...facilitatorThatFinds(() => expect.fail('nothing is in doubt')),
      settle: async (_payment, amount) => {
        amounts.push(amount);
        return { kind: 'settled', settlement: { ...SETTLEMENT, amount } };
      },
    };
    const reconciler = reconcilerOf({
      store,
      owner: 'me',
      facilitator: () => facilitator,
      clock: () => now,
    });
    await reconciler.start();
    await reconciler.stop();
    return [(await store.find(KEY))!, amounts];
  };

  it('is charged its cost when that was known', async () => {
    const [row, amounts] = await asksFor(parseAmount('7')!, 'by_answer');
    expect(amounts).toEqual([7n]);
    expect(row).toMatchObject({ state: 'undelivered', asked: 7n });
  });

  it('is not charged, and its payment is released, when its cost was not known', async () => {
    const [row, amounts] = await asksFor(undefined, 'by_answer');
    expect(amounts).toEqual([]);
    expect(row).toMatchObject({ state: 'released', reason: 'the answer broke off before it was charged' });
  });

  it('is charged its price, where that was fixed', async () => {
    const [, amounts] = await asksFor(undefined, 'deferred');
    expect(amounts).toEqual([1000n]);
  });
});

describe('the health of the ledger', () => {
  afterEach(() => vi.useRealTimers());

  it('is bad after two failed heartbeats or one that hangs, and good after the next good one', async () => {
    vi.useFakeTimers();
    let beat: () => Promise<void> = async () => {};
    const reconciler = reconcilerOf({
      store: Object.assign(openMemoryLedger(Date.now), { beat: () => beat() }),
      owner: 'me',
      retentionMs: () => HOUR_MS,
      notes: { moved: () => {}, takenBack: () => {}, heard: () => {}, trouble: () => {} },
      clock: Date.now,
    });
    await reconciler.start();
    expect(reconciler.ledgerAnswers).toBe(true);
    let failures = 0;
    beat = () => {
      failures += 1;
      return Promise.reject(new Error('away'));
    };
    while (failures < 1) await vi.advanceTimersByTimeAsync(100);
    expect(reconciler.ledgerAnswers).toBe(failures < 2);
    while (failures < 2) await vi.advanceTimersByTimeAsync(100);
    expect(reconciler.ledgerAnswers).toBe(false);
    beat = async () => {};
    await vi.advanceTimersByTimeAsync(1100);
    expect(reconciler.ledgerAnswers).toBe(true);

    const { promise, resolve } = Promise.withResolvers<void>();
    beat = () => promise;
    await vi.advanceTimersByTimeAsync(4000);
    expect(reconciler.ledgerAnswers).toBe(true);
    await vi.advanceTimersByTimeAsync(4000);
    expect(reconciler.ledgerAnswers).toBe(false);
    resolve();
    await vi.advanceTimersByTimeAsync(1100);
    expect(reconciler.ledgerAnswers).toBe(true);
    await reconciler.stop();
  });
});

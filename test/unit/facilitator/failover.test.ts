import { describe, expect, it } from 'vitest';
import { type ErrorCode, GatewayError } from '../../../src/domain/gateway-error.ts';
import type { Payment } from '../../../src/domain/payment.ts';
import type { SettlementOutcome } from '../../../src/domain/settlement.ts';
import type { SupportedKind } from '../../../src/domain/x402.ts';
import type { Facilitator, ForeignTransfer, Verification } from '../../../src/facilitator/facilitator.ts';
import { orderedFacilitators, type Schedule } from '../../../src/facilitator/failover.ts';
import { SCRIPTED_PAYER, scriptedOffer, scriptedPayment } from '../../support/scripted-facilitator.ts';

const V2: SupportedKind = { x402Version: 2, scheme: 'exact', network: 'eip155:84532' };
const ELSEWHERE: SupportedKind = { x402Version: 2, scheme: 'exact', network: 'eip155:1' };
const VALID: Verification = { kind: 'valid', payer: SCRIPTED_PAYER };
const INVALID: Verification = { kind: 'invalid', reason: 'insufficient_funds' };

const never = new AbortController().signal;
const fault = (code: ErrorCode): GatewayError => new GatewayError(code);

/** A facilitator without a network; an `Error` in place of an answer is thrown. */
class Stub implements Facilitator {
  readonly calls: string[] = [];
  readonly name: string;
  kinds: readonly SupportedKind[] | Error = [V2];
  verdict: Verification | Error = VALID;
  closing: () => Promise<void> = async () => undefined;

  constructor(name: string, change: Partial<Pick<Stub, 'kinds' | 'verdict' | 'closing'>> = {}) {
    this.name = name;
    Object.assign(this, change);
  }

  async supported(signal: AbortSignal): Promise<readonly SupportedKind[]> {
    this.calls.push('supported');
    if (signal.aborted) throw fault('facilitator_timeout');
    if (this.kinds instanceof Error) throw this.kinds;
    return this.kinds;
  }

  async verify(_: Payment, __: AbortSignal): Promise<Verification> {
    this.calls.push('verify');
    if (this.verdict instanceof Error) throw this.verdict;
    return this.verdict;
  }

  async settle(): Promise<SettlementOutcome> {
    throw new Error('the pool never settles');
  }

  async resolve(): Promise<SettlementOutcome> {
    throw new Error('the pool never resolves');
  }

  async close(): Promise<void> {
    this.calls.push('close');
    await this.closing();
  }
}

/** A schedule that runs only when the test says so. */
class ManualSchedule {
  readonly waiting: { delayMs: number; run: () => void }[] = [];
  readonly schedule: Schedule = (delayMs, run) => {
    const entry = { delayMs, run };
    this.waiting.push(entry);
    return () => {
      const at = this.waiting.indexOf(entry);
      if (at >= 0) this.waiting.splice(at, 1);
    };
  };

  /** Runs the waiting task, then waits until the next one is scheduled. */
  async runNext(): Promise<void> {
    const entry = this.waiting.shift();
    entry?.run();
    await new Promise((resolve) => setImmediate(resolve));
  }
}

async function ready(...list: readonly Facilitator[]) {
  const pool = orderedFacilitators(list, { schedule: new ManualSchedule().schedule });
  await pool.refresh(never);
  return pool;
}

describe('verifying with an ordered list', () => {
  it('takes the answer of the first, and names it as the facilitator to settle with', async () => {
    const [first, second] = [new Stub('first'), new Stub('second')];
    const pool = await ready(first, second);
    const { verification, facilitator } = await pool.verify(scriptedPayment(2), never);
    expect(verification).toEqual(VALID);
    expect(facilitator).toBe(first);
    expect(second.calls).toEqual(['supported']);
  });

  it.each([
    'facilitator_unreachable',
    'facilitator_timeout',
    'facilitator_overloaded',
    'facilitator_invalid_answer',
  ] as const)('moves on to the next when the first throws %s, and settles with that one', async (code) => {
    const [first, second] = [new Stub('first', { verdict: fault(code) }), new Stub('second')];
    const pool = await ready(first, second);
    expect((await pool.verify(scriptedPayment(2), never)).facilitator).toBe(second);
    expect(first.calls).toEqual(['supported', 'verify']);
  });

  it('takes a refusal as an answer, and asks no other facilitator', async () => {
    const [first, second] = [new Stub('first', { verdict: INVALID }), new Stub('second')];
    const pool = await ready(first, second);
    const { verification, facilitator } = await pool.verify(scriptedPayment(2), never);
    expect(verification).toEqual(INVALID);
    expect(facilitator).toBe(first);
    expect(second.calls).not.toContain('verify');
  });

  it('does not treat a fault of the gateway as one of the facilitator', async () => {
    for (const broken of [new TypeError('a bug'), fault('store_unavailable')]) {
      const [first, second] = [new Stub('first', { verdict: broken }), new Stub('second')];
      const pool = await ready(first, second);
      await expect(pool.verify(scriptedPayment(2), never)).rejects.toBe(broken);
      expect(second.calls).not.toContain('verify');
    }
  });

  it('skips a facilitator that does not cover the offer', async () => {
    const [first, second] = [new Stub('first', { kinds: [ELSEWHERE] }), new Stub('second')];
    const pool = await ready(first, second);
    expect((await pool.verify(scriptedPayment(2), never)).facilitator).toBe(second);
    expect(first.calls).not.toContain('verify');
  });

  it('throws the last fault when no facilitator answers, and reports each fault', async () => {
    const list = [
      new Stub('first', { verdict: fault('facilitator_timeout') }),
      new Stub('second', { verdict: new GatewayError('facilitator_overloaded', { retryAfterSeconds: 9 }) }),
    ];
    const told: string[] = [];
    const pool = orderedFacilitators(list, {
      schedule: new ManualSchedule().schedule,
      onFault: ({ name }, operation, error) => told.push(`${name} ${operation} ${(error as GatewayError).code}`),
    });
    await pool.refresh(never);
    const expected = { code: 'facilitator_overloaded', retryAfterSeconds: 9 };
    await expect(pool.verify(scriptedPayment(2), never)).rejects.toMatchObject(expected);
    expect(told).toEqual(['first verify facilitator_timeout', 'second verify facilitator_overloaded']);
  });

  it('throws facilitator_unreachable when none that covers the offer was ever reached', async () => {
    const first = new Stub('first', { kinds: fault('facilitator_timeout') });
    const pool = await ready(first, new Stub('second', { kinds: [ELSEWHERE] }));
    await expect(pool.verify(scriptedPayment(2), never)).rejects.toMatchObject({ code: 'facilitator_unreachable' });
    expect(first.calls).not.toContain('verify');
  });

  it('asks no further once the caller has given up', async () => {
    const waiting = new AbortController();
    const second = new Stub('second');
    const first = new Stub('first');
    first.verify = async () => {
      waiting.abort();
      throw fault('facilitator_timeout');
    };
    const pool = await ready(first, second);
    await expect(pool.verify(scriptedPayment(2), waiting.signal)).rejects.toMatchObject({
      code: 'facilitator_timeout',
    });
    expect(second.calls).not.toContain('verify');
  });
});

describe('knowing what a list covers', () => {
  it('covers nothing before the first answer, and what any facilitator covers after it', async () => {
    const pool = orderedFacilitators([new Stub('first', { kinds: [ELSEWHERE] }), new Stub('second')], {
      schedule: new ManualSchedule().schedule,
    });
    expect(pool.covers(scriptedOffer())).toBe(false);
    await pool.refresh(never);
    expect(pool.covers(scriptedOffer())).toBe(true);
    expect(pool.covers({ ...scriptedOffer(), scheme: 'upto' })).toBe(false);
  });

  it('asks an unreached facilitator again after 1 s, doubling to 60 s, and a reached one every 5 min', async () => {
    const stub = new Stub('first', { kinds: fault('facilitator_unreachable') });
    const time = new ManualSchedule();
    const pool = orderedFacilitators([stub], { schedule: time.schedule });
    await pool.refresh(never);
    const delays: number[] = [];
    for (let attempt = 0; attempt < 8; attempt += 1) {
      delays.push(time.waiting[0]!.delayMs);
      await time.runNext();
    }
    expect(delays).toEqual([1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000]);
    expect(pool.covers(scriptedOffer())).toBe(false);

    stub.kinds = [V2];
    await time.runNext();
    expect(pool.covers(scriptedOffer())).toBe(true);
    expect(time.waiting.map(({ delayMs }) => delayMs)).toEqual([300_000]);
  });

  it('keeps the last good answer through an outage, and takes the next good one', async () => {
    const stub = new Stub('first');
    const time = new ManualSchedule();
    const pool = orderedFacilitators([stub], { schedule: time.schedule });
    await pool.refresh(never);
    stub.kinds = fault('facilitator_timeout');
    await time.runNext();
    expect(pool.covers(scriptedOffer())).toBe(true);
    expect(time.waiting.map(({ delayMs }) => delayMs)).toEqual([1000]);
    stub.kinds = [ELSEWHERE];
    await time.runNext();
    expect(pool.covers(scriptedOffer())).toBe(false);
  });

  it('reports a facilitator as away after two failures in a row, asks it at least every 10 s, and reports its return', async () => {
    const stub = new Stub('first');
    const time = new ManualSchedule();
    const pool = orderedFacilitators([stub], { schedule: time.schedule });
    expect(pool.absence(scriptedOffer())).toBe('none that serves it has been reached');
    await pool.refresh(never);
    expect(pool.absence(scriptedOffer())).toBeUndefined();
    stub.kinds = fault('facilitator_unreachable');
    await time.runNext();
    expect(pool.absence(scriptedOffer())).toBeUndefined();
    const delays: number[] = [];
    for (let attempt = 0; attempt < 6; attempt += 1) {
      delays.push(time.waiting[0]!.delayMs);
      await time.runNext();
    }
    expect(delays).toEqual([1000, 2000, 4000, 8000, 10_000, 10_000]);
    expect(pool.absence(scriptedOffer())).toBe(
      'none that serves it answers any more (first: No facilitator could be reached.)',
    );
    stub.kinds = [V2];
    await time.runNext();
    expect(pool.absence(scriptedOffer())).toBeUndefined();
    expect(time.waiting.map(({ delayMs }) => delayMs)).toEqual([300_000]);
  });

  it('asks a facilitator with failed verifications within a second whether it is there, once for all of them', async () => {
    const stub = new Stub('first', { verdict: fault('facilitator_unreachable') });
    const time = new ManualSchedule();
    const pool = orderedFacilitators([stub], { schedule: time.schedule });
    await pool.refresh(never);
    for (let call = 0; call < 3; call += 1) await expect(pool.verify(scriptedPayment(2), never)).rejects.toThrow();
    expect(time.waiting.map(({ delayMs }) => delayMs)).toEqual([1000]);
    await time.runNext();
    expect(pool.absence(scriptedOffer())).toBeUndefined();
    expect(time.waiting.map(({ delayMs }) => delayMs)).toEqual([300_000]);
  });

  it('asks soon again for a network that an answer lacks', async () => {
    const stub = new Stub('first', { kinds: [V2, ELSEWHERE] });
    const time = new ManualSchedule();
    const pool = orderedFacilitators([stub], { schedule: time.schedule });
    await pool.refresh(never);
    stub.kinds = [ELSEWHERE];
    await time.runNext();
    await time.runNext();
    expect(time.waiting.map(({ delayMs }) => delayMs)).toEqual([2000]);
    expect(pool.absence(scriptedOffer())).toContain('first: it no longer serves exact on eip155:84532');
    stub.kinds = [V2, ELSEWHERE];
    await time.runNext();
    expect(pool.absence(scriptedOffer())).toBeUndefined();
  });

  it('schedules one refresh per facilitator, however many refreshes run at once', async () => {
    const time = new ManualSchedule();
    const pool = orderedFacilitators([new Stub('first'), new Stub('second')], { schedule: time.schedule });
    await Promise.all(Array.from({ length: 5 }, () => pool.refresh(never)));
    expect(time.waiting).toHaveLength(2);
  });
});

describe('closing a list', () => {
  it('closes each facilitator and asks none again', async () => {
    const list = [new Stub('first'), new Stub('second')];
    const time = new ManualSchedule();
    const pool = orderedFacilitators(list, { schedule: time.schedule });
    await pool.refresh(never);
    await pool.close();
    expect(time.waiting).toEqual([]);
    for (const { calls } of list) expect(calls).toEqual(['supported', 'close']);
  });

  it('schedules nothing after an answer that comes later', async () => {
    const stub = new Stub('first');
    let answer: (kinds: readonly SupportedKind[]) => void = () => undefined;
    stub.supported = () =>
      new Promise((resolve) => {
        answer = resolve;
      });
    const time = new ManualSchedule();
    const pool = orderedFacilitators([stub], { schedule: time.schedule });
    const refreshed = pool.refresh(never);
    await pool.close();
    answer([V2]);
    await refreshed;
    expect(time.waiting).toEqual([]);
  });

  it('closes the others too when one fails to, and says so', async () => {
    const broken = new Stub('first', { closing: () => Promise.reject(new Error('still busy')) });
    const second = new Stub('second');
    const pool = await ready(broken, second);
    await expect(pool.close()).rejects.toThrow('still busy');
    expect(second.calls).toContain('close');
  });
});

describe('looking for a transfer by somebody else', () => {
  const USED: ForeignTransfer = { kind: 'used' };
  /** A facilitator that sees the chain so; an `Error` is thrown. */
  const seeing = (name: string, sight: ForeignTransfer | Error, kinds = [V2]): Facilitator =>
    Object.assign(new Stub(name, { kinds }), {
      findForeign: async () => {
        if (sight instanceof Error) throw sight;
        return sight;
      },
    });
  const look = async (...list: Facilitator[]) => {
    const pool = orderedFacilitators(list, { schedule: new ManualSchedule().schedule });
    await pool.refresh(never);
    const found = await pool.findForeign(scriptedPayment(2), never).catch((thrown: unknown) => thrown);
    await pool.close();
    return found;
  };

  it('goes to the first that sees the chain, whichever judged the payment', async () => {
    const blind = [new Stub('without'), seeing('blind', { kind: 'unseen' })];
    expect(await look(...blind, seeing('sees', USED), seeing('later', { kind: 'none' }))).toEqual(USED);
    expect(await look(...blind)).toEqual({ kind: 'unseen' });
    expect(await look(...blind, seeing('elsewhere', USED, [ELSEWHERE]))).toEqual({ kind: 'unseen' });
  });

  it('goes on after a fault, which counts where no other one can tell', async () => {
    const away = seeing('away', fault('facilitator_unreachable'));
    expect(await look(away, seeing('sees', USED))).toEqual(USED);
    expect(await look(away, new Stub('without'))).toMatchObject({ code: 'facilitator_unreachable' });
  });
});

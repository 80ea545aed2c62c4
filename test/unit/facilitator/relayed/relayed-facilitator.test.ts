import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { GatewayError } from '../../../../src/domain/gateway-error.ts';
import type { SettlementAttempt } from '../../../../src/domain/payment-record.ts';
import type { Facilitator, OpenSettlement } from '../../../../src/facilitator/facilitator.ts';
import { openRelayedFacilitator } from '../../../../src/facilitator/relayed/relayed-facilitator.ts';
import type {
  SettlerChannel,
  SettlerToWorker,
  WorkerChannel,
  WorkerToSettler,
} from '../../../../src/facilitator/relayed/settlement-channel.ts';
import { serveSettlements } from '../../../../src/facilitator/relayed/settlement-service.ts';
import { scriptedPayment } from '../../../support/scripted-facilitator.ts';
import { settleInFull } from '../../../support/settle-in-full.ts';
import { openLine } from '../../../support/settlement-line.ts';

const SETTLE_WITHIN_MS = 60_000;
const ATTEMPT: SettlementAttempt = { transaction: '0x01', data: 'raw' };
const payment = scriptedPayment(2);
const SETTLED = {
  kind: 'settled',
  settlement: { transaction: '0x01', payer: payment.authorization.payer, amount: payment.offer.amount },
} as const;
const OPEN: OpenSettlement = { payment, amount: payment.offer.amount, attempt: ATTEMPT, since: 1 };

/** A facilitator that does what a test says, and nothing else. */
function scripted(acts: Partial<Facilitator>): Facilitator {
  const unexpected = (): never => {
    throw new Error('not asked for in this test');
  };
  return {
    name: 'local',
    supported: unexpected,
    verify: unexpected,
    settle: unexpected,
    resolve: unexpected,
    close: async () => {},
    ...acts,
  };
}

/** A worker's facilitator, and the process that settles for it. */
function relay(settler: Partial<Facilitator>, inner: Partial<Facilitator> = {}) {
  const line = openLine<WorkerToSettler, SettlerToWorker>();
  serveSettlements(line.there, new Map([['local', scripted(settler)]]));
  const facilitator = openRelayedFacilitator(scripted(inner), line.here, { settleWithinMs: SETTLE_WITHIN_MS });
  return { facilitator, cut: line.cut };
}

/** A worker's facilitator, and the bare end of a process that a test plays. */
function relayToNobody() {
  const line = openLine<WorkerToSettler, SettlerToWorker>();
  const here: WorkerChannel = line.here;
  const there: SettlerChannel = line.there;
  const heard: WorkerToSettler[] = [];
  there.receive((message) => void heard.push(message));
  const facilitator = openRelayedFacilitator(scripted({}), here, { settleWithinMs: SETTLE_WITHIN_MS });
  return { facilitator, there, heard, cut: line.cut };
}

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }));
afterEach(() => void vi.useRealTimers());

describe('a worker whose settlements another process makes', () => {
  it('verifies and asks for the supported kinds in its own process', async () => {
    const kinds = [{ x402Version: 2, scheme: 'exact', network: 'eip155:84532' }];
    const { facilitator } = relay(
      {},
      { supported: async () => kinds, verify: async () => ({ kind: 'valid', payer: '0x01' }) },
    );
    const { signal } = new AbortController();
    expect(await facilitator.supported(signal)).toEqual(kinds);
    expect(await facilitator.verify(payment, signal)).toEqual({ kind: 'valid', payer: '0x01' });
  });

  it('writes the attempt down before the other process goes on, and passes the outcome on', async () => {
    const order: string[] = [];
    const { facilitator } = relay({
      async settle(given, amount, journal) {
        expect(given).toEqual(payment);
        expect(amount).toBe(payment.offer.amount);
        await journal(ATTEMPT);
        order.push('sent');
        return SETTLED;
      },
    });
    const outcome = await settleInFull(facilitator, payment, async (attempt) => {
      expect(attempt).toEqual(ATTEMPT);
      order.push('written');
    });
    expect(outcome).toEqual(SETTLED);
    expect(order).toEqual(['written', 'sent']);
  });

  it('stops the other process from sending an attempt that it cannot write down, and rejects with the same reason', async () => {
    const refused = Promise.withResolvers<unknown>();
    const { facilitator } = relay({
      settle: async (_payment, _amount, journal) => {
        await journal(ATTEMPT).catch((fault: unknown) => {
          refused.resolve(fault);
          throw fault;
        });
        throw new Error('sent what was not written down');
      },
    });
    const fault = new GatewayError('payment_in_progress', { retryAfterSeconds: 2 });
    await expect(settleInFull(facilitator, payment, () => Promise.reject(fault))).rejects.toBe(fault);
    expect(await refused.promise).toMatchObject({ code: 'payment_in_progress', retryAfterSeconds: 2 });
  });

  it('gets faults with their code, detail and time to retry', async () => {
    const fault = new GatewayError('facilitator_overloaded', {
      detail: 'Gas costs more than was offered.',
      retryAfterSeconds: 7,
      cause: new Error('fee too low'),
    });
    const { facilitator } = relay({
      settle: () => Promise.reject(fault),
      resolve: () => Promise.reject(new GatewayError('facilitator_invalid_answer')),
    });
    const settling = settleInFull(facilitator, payment, async () => {});
    await expect(settling).rejects.toBeInstanceOf(GatewayError);
    await expect(settling).rejects.toMatchObject({ ...fault, cause: { message: 'fee too low' } });
    const resolving = facilitator.resolve(OPEN, new AbortController().signal);
    await expect(resolving).rejects.toMatchObject({ code: 'facilitator_invalid_answer' });
  });

  it('gets the message of an error without a code', async () => {
    const { facilitator } = relay({ settle: () => Promise.reject(new TypeError('no such thing')) });
    const settling = settleInFull(facilitator, payment, async () => {});
    await expect(settling).rejects.toThrow('no such thing');
    await expect(settling).rejects.not.toBeInstanceOf(GatewayError);
  });

  it('reports an unknown outcome when the other process does not answer, and lets it send nothing later', async () => {
    const { facilitator, there, heard } = relayToNobody();
    let written = 0;
    const settling = settleInFull(facilitator, payment, async () => {
      written += 1;
    });
    await vi.advanceTimersByTimeAsync(SETTLE_WITHIN_MS);
    expect(await settling).toEqual({ kind: 'unknown', reason: 'settlement_process_silent' });
    there.send({ kind: 'journal', facilitator: 'local', call: 1, entry: 9, attempt: ATTEMPT });
    await vi.waitFor(() => expect(heard.at(-1)).toMatchObject({ kind: 'refused', entry: 9 }));
    expect(written).toBe(0);
  });

  it('waits for a journal entry under way before it reports an unknown outcome', async () => {
    const { facilitator, there, heard } = relayToNobody();
    const writing = Promise.withResolvers<void>();
    const asked = Promise.withResolvers<void>();
    let over = false;
    const settling = settleInFull(facilitator, payment, () => {
      asked.resolve();
      return writing.promise;
    });
    void settling.then(() => {
      over = true;
    });
    there.send({ kind: 'journal', facilitator: 'local', call: 1, entry: 1, attempt: ATTEMPT });
    await asked.promise;
    await vi.advanceTimersByTimeAsync(SETTLE_WITHIN_MS);
    expect(over).toBe(false);
    writing.resolve();
    expect(await settling).toMatchObject({ kind: 'unknown' });
    await vi.waitFor(() => expect(heard.at(-1)).toMatchObject({ kind: 'journaled', entry: 1 }));
  });

  it('reports an unknown outcome when the other process ends', async () => {
    const { facilitator, cut } = relayToNobody();
    const settling = settleInFull(facilitator, payment, async () => {});
    const resolving = facilitator.resolve(OPEN, new AbortController().signal);
    cut();
    expect(await settling).toMatchObject({ kind: 'unknown' });
    await expect(resolving).rejects.toMatchObject({ code: 'facilitator_unreachable' });
    await expect(settleInFull(facilitator, payment, async () => {})).rejects.toMatchObject({ code: 'shutting_down' });
  });

  it('makes the other process stop looking once the caller has given up', async () => {
    const stopped = Promise.withResolvers<void>();
    const { facilitator } = relay({
      resolve: (open, signal) => {
        expect(open).toEqual(OPEN);
        return new Promise((_, reject) => {
          signal.addEventListener('abort', () => {
            stopped.resolve();
            reject(signal.reason);
          });
        });
      },
    });
    const waiting = new AbortController();
    const resolving = facilitator.resolve(OPEN, waiting.signal);
    waiting.abort(new Error('enough'));
    await expect(resolving).rejects.toMatchObject({ code: 'facilitator_timeout' });
    await stopped.promise;
  });

  it('closes after the settlements under way', async () => {
    const order: string[] = [];
    const go = Promise.withResolvers<void>();
    const { facilitator } = relay(
      { settle: () => go.promise.then(() => SETTLED) },
      { close: async () => void order.push('closed') },
    );
    const settling = settleInFull(facilitator, payment, async () => {}).then(() => order.push('settled'));
    const closing = facilitator.close();
    await expect(settleInFull(facilitator, payment, async () => {})).rejects.toMatchObject({ code: 'shutting_down' });
    go.resolve();
    await Promise.all([settling, closing]);
    expect(order).toEqual(['settled', 'closed']);
  });
});

describe('a facilitator that was closed and comes back under the same name', () => {
  const options = { settleWithinMs: SETTLE_WITHIN_MS };

  it('writes its attempts down, whatever the closed one has received', async () => {
    const line = openLine<WorkerToSettler, SettlerToWorker>();
    const settle: Facilitator['settle'] = async (_payment, _amount, journal) => {
      await journal(ATTEMPT);
      return SETTLED;
    };
    serveSettlements(line.there, new Map([['local', scripted({ settle })]]));
    const before = openRelayedFacilitator(scripted({}), line.here, options);
    await before.close();
    const after = openRelayedFacilitator(scripted({}), line.here, options);
    await expect(settleInFull(after, payment, async () => {})).resolves.toEqual(SETTLED);
  });

  it('ignores answers that were meant for the closed one', async () => {
    const line = openLine<WorkerToSettler, SettlerToWorker>();
    const calls: WorkerToSettler[] = [];
    line.there.receive((message) => void calls.push(message));
    const before = openRelayedFacilitator(scripted({}), line.here, options);
    const late = settleInFull(before, payment, async () => {});
    await vi.advanceTimersByTimeAsync(SETTLE_WITHIN_MS);
    expect(await late).toMatchObject({ kind: 'unknown' });
    await before.close();
    const after = openRelayedFacilitator(scripted({}), line.here, options);
    const settling = settleInFull(after, payment, async () => {});
    await vi.waitFor(() => expect(calls).toHaveLength(2));
    const [first, second] = calls.map(({ call }) => call);
    const failed = { kind: 'failed', reason: 'nothing moved' } as const;
    line.there.send({ kind: 'outcome', facilitator: 'local', call: first ?? 0, outcome: SETTLED });
    line.there.send({ kind: 'outcome', facilitator: 'local', call: second ?? 0, outcome: failed });
    expect(await settling).toEqual(failed);
  });
});

describe('the process that settles for workers', () => {
  /** The settler's journal, called for a worker that a test plays. */
  async function journalFor() {
    const line = openLine<WorkerToSettler, SettlerToWorker>();
    const entries: SettlerToWorker[] = [];
    line.here.receive((message) => void entries.push(message));
    const journaling = Promise.withResolvers<{ readonly written: Promise<void> }>();
    const settler = scripted({
      settle: async (_payment, _amount, journal) => {
        const written = journal(ATTEMPT);
        journaling.resolve({ written });
        await written;
        return SETTLED;
      },
    });
    serveSettlements(line.there, new Map([['local', settler]]));
    line.here.send({ kind: 'settle', facilitator: 'local', call: 1, payment, amount: payment.offer.amount });
    const { written } = await journaling.promise;
    await vi.waitFor(() => expect(entries).toHaveLength(1));
    return { line, entries, written };
  }

  it('sends nothing for a worker that ends before it has written the attempt down', async () => {
    const { line, written } = await journalFor();
    const refused = expect(written).rejects.toMatchObject({ code: 'facilitator_unreachable' });
    line.cut();
    await refused;
  });

  it('sends nothing for a worker that takes too long, so that the others do not wait', async () => {
    const { entries, written } = await journalFor();
    const refused = expect(written).rejects.toMatchObject({ code: 'facilitator_timeout' });
    await vi.advanceTimersByTimeAsync(15_000);
    await refused;
    await vi.waitFor(() =>
      expect(entries.at(-1)).toMatchObject({ kind: 'fault', fault: { code: 'facilitator_timeout' } }),
    );
  });

  it('goes on for a worker that ends after it has written the attempt down', async () => {
    const { line, written } = await journalFor();
    line.here.send({ kind: 'journaled', facilitator: 'local', call: 1, entry: 1 });
    await expect(written).resolves.toBeUndefined();
    line.cut();
  });

  it('reports a facilitator that it does not have as unreachable', async () => {
    const line = openLine<WorkerToSettler, SettlerToWorker>();
    serveSettlements(line.there, new Map());
    const facilitator = openRelayedFacilitator(scripted({}), line.here, { settleWithinMs: SETTLE_WITHIN_MS });
    const settling = settleInFull(facilitator, payment, async () => {});
    await expect(settling).rejects.toMatchObject({ code: 'facilitator_unreachable' });
  });
});

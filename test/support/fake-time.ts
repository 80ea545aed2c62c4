import { setImmediate as turn } from 'node:timers/promises';
import type { QuotaTime } from '../../src/pass/quota.ts';

/** Time that passes when it is told to. */
export interface FakeTime extends QuotaTime {
  /** Lets time pass, timer by timer, and what each sets off come to rest. */
  pass(ms: number): Promise<void>;
}

/** Turns of the event loop that everything between two timers is over in, given stores in memory. */
const TURNS = 5;

/** @param start Unix milliseconds */
export function fakeTime(start: number): FakeTime {
  let now = start;
  let timers: { readonly at: number; readonly run: () => void }[] = [];
  const settle = async (): Promise<void> => {
    for (let count = 0; count < TURNS; count += 1) await turn();
  };
  return {
    now: () => now,
    after(ms, run) {
      timers.push({ at: now + ms, run });
    },
    async pass(ms) {
      const until = now + ms;
      await settle();
      for (;;) {
        const next = timers.toSorted((a, b) => a.at - b.at)[0];
        if (next === undefined || next.at > until) break;
        timers = timers.filter((timer) => timer !== next);
        now = next.at;
        next.run();
        await settle();
      }
      now = until;
    },
  };
}

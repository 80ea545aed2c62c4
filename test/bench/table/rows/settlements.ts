import { gas, settle } from '../../suites/settle.ts';
import { race, rateBeside } from '../race.ts';
import { atLeast, atMost, type Row } from '../row.ts';

const OFFICIAL = 'official facilitator code';

/** What the `local` facilitator settles, and for how much gas, beside the official code on a chain of their own. */
export const settlements: Row = {
  name: 'settlements',
  title: 'settlements by `local`',
  aims: [atLeast(5.5, 'rate beside the official facilitator'), atMost(0.6, 'gas of a payment beside the same')],
  async measure(bench, plan) {
    const rate = await race(await settle.open(bench), plan);
    await bench.clear();
    const payments = await race(await gas.open(bench), plan);
    // The suite counts payments for a million gas: the more of them, the less gas for each.
    return [rateBeside(rate, OFFICIAL), rateBeside(payments, OFFICIAL)?.map((ratio) => 1 / ratio)];
  },
};

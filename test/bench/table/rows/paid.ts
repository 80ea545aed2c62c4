import { otherPaid } from '../../suites/others.ts';
import { before as beforeSuite } from '../../suites/paid.ts';
import { meansOfRounds, timeLedger } from '../ledger-time.ts';
import { PEER } from '../peer.ts';
import { among, processorBeside, race, rateBeside } from '../race.ts';
import { atLeast, atMost, type Row } from '../row.ts';

/** A paid call of `settle: after` on SQLite, with a remote facilitator that answers at once. */
export const paid: Row = {
  name: 'paid',
  title: 'paid, SQLite, `after`, remote facilitator',
  aims: [
    atLeast(2, 'rate beside the peer', '--peer'),
    atMost(0.5, 'processor time of a call beside the peer, all threads', '', '--peer-pid'),
    atMost(90, "processor time of the ledger's thread for a payment", 'µs', 'Linux'),
  ],
  async measure(bench, plan) {
    const contest = await otherPaid.open(bench);
    const subject = await timeLedger(contest.subject);
    const outcome = await race({ ...contest, subject }, plan);
    const ledger = meansOfRounds(subject.ledgerMicros, plan.seconds);
    return [rateBeside(outcome, PEER), processorBeside(outcome, PEER), ledger];
  },
};

export const before: Row = {
  name: 'before',
  title: 'paid, `before`',
  aims: [atLeast(1.3, 'rate beside `after`')],
  async measure(bench, plan) {
    const after = 'gateway, settle: after';
    const outcome = await race(among(await beforeSuite.open(bench), after), plan);
    return [rateBeside(outcome, after)];
  },
};

import { free as freeSuite } from '../../suites/free.ts';
import { pass } from '../../suites/pass.ts';
import { paymentRequired } from '../../suites/payment-required.ts';
import { besidePeer, besidePeerForADay, PEER } from '../peer.ts';
import { among, race, rateBeside } from '../race.ts';
import { atLeast, type Row } from '../row.ts';

export const free: Row = {
  name: 'free',
  title: 'free',
  aims: [atLeast(0.85, 'rate beside bare undici'), atLeast(3, 'rate beside the peer', '--peer')],
  async measure(bench, plan) {
    const bare = 'bare undici dispatcher';
    const outcome = await race(besidePeer(bench, among(await freeSuite.open(bench), bare), '/free'), plan);
    return [rateBeside(outcome, bare), rateBeside(outcome, PEER)];
  },
};

export const unpaid: Row = {
  name: 'unpaid',
  title: '402',
  aims: [atLeast(0.85, 'rate beside node:http with the same bytes'), atLeast(3, 'rate beside the peer', '--peer')],
  async measure(bench, plan) {
    const bare = 'node:http, same bytes';
    const outcome = await race(besidePeer(bench, among(await paymentRequired.open(bench), bare), '/paid', 402), plan);
    return [rateBeside(outcome, bare), rateBeside(outcome, PEER)];
  },
};

export const token: Row = {
  name: 'token',
  title: 'token',
  aims: [atLeast(0.92, 'rate beside a free route'), atLeast(8, "rate beside the peer's access for a day", '--peer')],
  async measure(bench, plan) {
    const route = 'gateway, free route';
    const outcome = await race(await besidePeerForADay(bench, among(await pass.open(bench), route)), plan);
    return [rateBeside(outcome, route), rateBeside(outcome, PEER)];
  },
};

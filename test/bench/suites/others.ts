import type { GatewaySettings } from '../gateway-config.ts';
import type { Partner, RateSuite, Side } from '../suite.ts';
import type { Workbench } from '../workbench.ts';
import { PAYMENTS_PER_SECOND } from './paid.ts';
import { buyToken } from './pass.ts';

/*
 * This build, as it is shipped, beside an earlier one (`--before`) and beside a gateway of another make (`--peer`), in
 * one interleaved run, with the processor time of a call.
 */

/** Routes that earlier builds know too. */
const ROUTES = `  - { path: /free, price: free }
  - { path: /paid, price: $0.001 }
  - { path: /timed, price: $0.001, access: { for: 24h } }
`;

/** A gateway of this comparison: where it listens and the process that works. */
interface Gateway {
  readonly name: string;
  readonly url: string;
  readonly pid: number | undefined;
}

/** How the calls of one kind are made to a gateway. */
type MakeSide = (bench: Workbench, gateway: Gateway) => Side | Promise<Side>;

/** What other builds and makes answer is theirs: they are held to the status alone. */
const scaleOnly = async (): Promise<undefined> => undefined;

export const otherFree = beside('a free route', { sellsPasses: false }, (bench, { name, url }) =>
  bench.side(name, `${url}/free`, 200, scaleOnly),
);

export const otherUnpaid = beside('a 402', { sellsPasses: false }, (bench, { name, url }) =>
  bench.side(name, `${url}/paid`, 402, scaleOnly),
);

export const otherPass = beside('a call with an access token', { sellsPasses: true }, async (bench, { name, url }) => {
  const headers = { 'X402-Access-Token': await buyToken(`${url}/timed`) };
  return { ...bench.sideWith(name, `${url}/timed`, { headers }), probe: scaleOnly };
});

export const otherPaid = beside(
  'a paid call, remote facilitator that answers at once, SQLite ledger',
  { sellsPasses: false, store: 'sqlite' },
  (bench, { name, url }) => bench.paidSide(name, `${url}/paid`, scaleOnly, PAYMENTS_PER_SECOND),
);

/** A suite of this build and of whatever the command line put beside it. */
function beside(
  title: string,
  { sellsPasses, store = 'memory' }: { readonly sellsPasses: boolean; readonly store?: GatewaySettings['store'] },
  make: MakeSide,
): RateSuite {
  return {
    kind: 'rates',
    title: `${title}, beside another build or make`,
    unit: 'requests',
    async open(bench) {
      const side = async (gateway: Gateway): Promise<Partner> => ({
        ...(await make(bench, gateway)),
        pid: gateway.pid,
      });
      const settings = { routes: ROUTES, store };
      // A 402 of an earlier build holds nothing for catalogues, which is a third of a 402 of this one.
      const alike = bench.before === undefined ? settings : { ...settings, keys: 'discovery: off\n' };
      const { command } = await bench.command(alike);
      const subject = await side({ name: 'gateway', url: command.url, pid: command.pid });
      const partners: Partner[] = [];
      if (bench.before !== undefined) {
        const { url, pid } = await bench.commandOn(await bench.config(settings), bench.before);
        partners.push(await side({ name: 'gateway, the build before', url, pid }));
      }
      // A peer sells no passes of ours.
      if (bench.peer !== undefined && !sellsPasses) partners.push(await side({ name: 'peer', ...bench.peer }));
      return { subject, partners };
    },
  };
}

import { type LoadedConfig, loadConfig } from '../../../src/config/load.ts';
import { type Problem, renderProblem } from '../../../src/config/problem.ts';
import type { Offer } from '../../../src/domain/offer.ts';
import type { Plan } from '../../../src/domain/plan.ts';
import type { Route } from '../../../src/domain/route.ts';
import type { PaidPrice } from '../../../src/domain/route-price.ts';
import type { Scheme } from '../../../src/scheme/scheme.ts';

/** Stands in for the registered schemes: the configuration asks them only for `extra`. */
export const exactEvm: Scheme = {
  scheme: 'exact',
  family: 'eip155',
  extra: ({ name = '', version = '' }) => ({ name, version }),
  paymentKey: () => undefined,
  authenticate: () => ({ kind: 'malformed', detail: 'not part of this test' }),
};

/** The same for prices of what was used. */
const uptoEvm: Scheme = {
  ...exactEvm,
  scheme: 'upto',
  extra: ({ name = '', version = '' }) => ({ name, version, assetTransferMethod: 'permit2' }),
};

/** What surrounds the text of a test. */
export interface World {
  readonly env?: Readonly<Record<string, string>>;
  readonly files?: Readonly<Record<string, string>>;
  readonly cpus?: number;
}

/** A sound file up to and without its routes. */
export const HEAD = `upstream: http://127.0.0.1:8080
payTo: "0x209693Bc6afc0C5328bA36FaF03C514EF312287C"
accepts: [base]
facilitator: https://facilitator.example
`;

/** The same for a gateway with a public name in front of an API whose address nobody is to learn. */
export const PUBLISHED_HEAD = `upstream: http://10.1.2.3:8080
payTo: "0x209693Bc6afc0C5328bA36FaF03C514EF312287C"
accepts: [base]
facilitator: https://facilitator.example.com
store: memory
publicUrl: https://api.example.com
`;

/** A sound file whose only route, `/a`, has `keys`, one per line. */
export function route(keys: string): string {
  return `${HEAD}routes:\n  - path: /a\n    ${keys.trim().replaceAll('\n', '\n    ')}\n`;
}

/** Loads a text as `gateway.yaml`. */
export function load(text: string, world: World = {}): LoadedConfig {
  return loadConfig({
    file: 'gateway.yaml',
    text,
    env: world.env ?? {},
    readFile: (path) => {
      const content = world.files?.[path];
      if (content === undefined) throw Object.assign(new Error('no such file'), { code: 'ENOENT' });
      return content;
    },
    schemes: [exactEvm, uptoEvm],
    cpus: world.cpus ?? 1,
  });
}

/** The plan of a file that must be sound. */
export function planOf(text: string, world?: World): Plan {
  const loaded = load(text, world);
  if (!loaded.ok) throw new Error(`The file has problems:\n${loaded.problems.map(renderProblem).join('\n')}`);
  return loaded.plan;
}

/** The problems of a file as `check` prints them; none when it is sound. */
export function problemsOf(text: string, world?: World): readonly string[] {
  const loaded = load(text, world);
  return loaded.ok ? [] : loaded.problems.map(renderProblem);
}

/** The warnings of a file that must be sound. */
export function warningsOf(text: string, world?: World): readonly Problem[] {
  const loaded = load(text, world);
  if (!loaded.ok) throw new Error(loaded.problems.map(renderProblem).join('\n'));
  return loaded.warnings;
}

/** The first price of a route, which has to be paid. */
export function paidPriceOf(route: Route | undefined): PaidPrice {
  const price = route?.prices[0];
  if (price?.kind !== 'priced') throw new Error('the route is not priced');
  return price;
}

/** The offers of the first route. */
export function offersOf(text: string, world?: World): readonly Offer[] {
  const price = planOf(text, world).routes[0]?.prices[0];
  return price?.kind === 'priced' ? price.offers : [];
}

import type { RateSuite, Side } from '../suite.ts';
import type { System } from '../system.ts';
import type { Workbench } from '../workbench.ts';

/** What a client of a language model asks, with the model that decides the price. */
const BODY = JSON.stringify({
  model: 'model-10',
  messages: [
    { role: 'system', content: 'You are a careful assistant that answers in one sentence.' },
    { role: 'user', content: 'How many legs has a centipede, and why is it called that?' },
  ],
  max_tokens: 256,
  temperature: 0.2,
});

const PLAIN = '  - { path: /plain, price: $0.001, description: Weather }\n  - { path: /free, price: free }\n';

/** A route with so many prices by model, as YAML. */
function byModel(count: number): string {
  const prices = Array.from(
    { length: count },
    (_, index) =>
      `      - { when: { json: { /model: model-${index + 1} } }, price: $0.${String(index + 1).padStart(3, '0')} }\n`,
  );
  return `  - path: /models\n    description: Weather\n    prices:\n${prices.join('')}`;
}

const ASKED = { status: 402, headers: { 'Content-Type': 'application/json' }, body: BODY } as const;

/** What a 402 costs whose price is decided by the body, beside one of a route with one price. */
export const prices: RateSuite = {
  kind: 'rates',
  title: 'a 402 by ten model prices',
  unit: 'requests',
  async open(bench) {
    const ten = await bench.gatewayProcess({ routes: PLAIN + byModel(10) });
    const many = await bench.gatewayProcess({ routes: PLAIN + byModel(100) });
    const side = (name: string, path: string, of: System): Side => ({
      ...bench.postSide(name, of.url + path, ASKED),
      pid: of.pid,
    });
    return {
      subject: side('gateway, ten prices by model', '/models', ten),
      partners: [
        { ...side('gateway, one price', '/plain', ten), target: 0.8 },
        side('gateway, a hundred prices by model', '/models', many),
      ],
    };
  },
};

/** A gateway whose other routes have conditions, and one that has none. */
async function besideAndAlone(bench: Workbench): Promise<readonly [System, System]> {
  return [await bench.gatewayProcess({ routes: PLAIN + byModel(100) }), await bench.gatewayProcess({ routes: PLAIN })];
}

/** Whether routes without conditions cost more where others have some: a 402. */
export const unconditional: RateSuite = {
  kind: 'rates',
  title: 'a 402 without conditions, beside routes with some',
  unit: 'requests',
  async open(bench) {
    const [beside, alone] = await besideAndAlone(bench);
    // The two name different ports, and are alike otherwise.
    const probeNothing = async (): Promise<undefined> => undefined;
    const side = (name: string, { url, pid }: System): Side => ({
      ...bench.side(name, `${url}/plain`, 402, probeNothing),
      pid,
    });
    return {
      subject: side('gateway, with priced bodies', beside),
      partners: [{ ...side('gateway, without', alone), target: 0.98 }],
    };
  },
};

/** The same for a free route. */
export const unconditionalFree: RateSuite = {
  kind: 'rates',
  title: 'a free route, beside routes with conditions',
  unit: 'requests',
  async open(bench) {
    const [beside, alone] = await besideAndAlone(bench);
    const side = (name: string, { url, pid }: System): Side => ({ ...bench.side(name, `${url}/free`), pid });
    return {
      subject: side('gateway, with priced bodies', beside),
      partners: [{ ...side('gateway, without', alone), target: 0.98 }],
    };
  },
};

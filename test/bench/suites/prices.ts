import type { RateSuite } from '../suite.ts';

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
    const gateway = await bench.gateway({ routes: PLAIN + byModel(10) });
    const many = await bench.gateway({ routes: PLAIN + byModel(100) });
    return {
      subject: bench.postSide('gateway, ten prices by model', `${gateway}/models`, ASKED),
      partners: [
        { ...bench.postSide('gateway, one price', `${gateway}/plain`, ASKED), target: 0.8 },
        bench.postSide('gateway, a hundred prices by model', `${many}/models`, ASKED),
      ],
    };
  },
};

/** Whether routes without conditions cost more where others have some: a 402. */
export const unconditional: RateSuite = {
  kind: 'rates',
  title: 'a 402 without conditions, beside routes with some',
  unit: 'requests',
  async open(bench) {
    const [beside, alone] = [
      await bench.gateway({ routes: PLAIN + byModel(100) }),
      await bench.gateway({ routes: PLAIN }),
    ];
    // The two name different ports, and are alike otherwise.
    const probeNothing = async (): Promise<undefined> => undefined;
    return {
      subject: bench.side('gateway, with priced bodies', `${beside}/plain`, 402, probeNothing),
      partners: [{ ...bench.side('gateway, without', `${alone}/plain`, 402, probeNothing), target: 0.98 }],
    };
  },
};

/** The same for a free route. */
export const unconditionalFree: RateSuite = {
  kind: 'rates',
  title: 'a free route, beside routes with conditions',
  unit: 'requests',
  async open(bench) {
    const [beside, alone] = [
      await bench.gateway({ routes: PLAIN + byModel(100) }),
      await bench.gateway({ routes: PLAIN }),
    ];
    return {
      subject: bench.side('gateway, with priced bodies', `${beside}/free`),
      partners: [{ ...bench.side('gateway, without', `${alone}/free`), target: 0.98 }],
    };
  },
};

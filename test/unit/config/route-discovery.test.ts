import { describe, expect, it } from 'vitest';
import { load, planOf, problemsOf, route } from '../../support/config/load.ts';

const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);

function statedBy(keys: string) {
  return planOf(route(`price: $1\n${keys}`)).routes[0]?.stated;
}

/** What is wrong, and where, with `discovery` of the only route. */
function problemOf(keys: string): { readonly keyPath: string; readonly wrong: string; readonly line: number } {
  const loaded = load(route(`price: $1\n${keys}`));
  if (loaded.ok) throw new Error('nothing is wrong');
  const [problem] = loaded.problems;
  if (problem === undefined || loaded.problems.length > 1) throw new Error(JSON.stringify(loaded.problems));
  return problem;
}

describe('discovery of a route', () => {
  it('describes input and output by examples', () => {
    const stated = statedBy(`methods: [GET, POST]
discovery:
  description: |
    The weather of one city.
    In two lines.
  input:
    query: { units: metric, days: 3, tags: [a, b] }
    body: { city: Oslo, at: null }
  output: [{ celsius: 7.5 }]`);
    expect(stated).toEqual({
      description: 'The weather of one city.\nIn two lines.',
      query: { units: 'metric', days: 3, tags: ['a', 'b'] },
      body: { type: 'json', example: { city: 'Oslo', at: null } },
      output: [{ celsius: 7.5 }],
    });
    expect(statedBy('discovery: { input: { body: "a=1", bodyType: text } }')?.body).toEqual({
      type: 'text',
      example: 'a=1',
    });
    expect(planOf(route('price: $1\ndiscovery: off')).routes[0]).toMatchObject({ unlisted: true });
    expect(statedBy('name: a')).toBeUndefined();
  });

  it.each([
    ['a key that is not known', 'discovery: { inputs: {} }', 'discovery.inputs', 'is not known'],
    ['another word than off', 'discovery: on', 'discovery', 'not known'],
    ['a list in the place of the map', 'discovery: []', 'discovery', 'a list'],
    ['an empty description', 'discovery: { description: " " }', 'discovery.description', 'empty'],
    ['a query that is no map', 'discovery: { input: { query: metric } }', 'discovery.input.query', 'a text'],
    ['a map within a query', 'discovery: { input: { query: { a: { b: 1 } } } }', 'discovery.input.query', 'value of a'],
    ['an example that holds no JSON', 'discovery: { output: { a: .nan } }', 'discovery.output.a', 'no number of JSON'],
    ['a number that is rounded', 'discovery: { output: 12345678901234567890 }', 'discovery.output', 'more digits'],
    ['a prototype', 'discovery: { output: [{ __proto__: { a: 1 } }] }', 'discovery.output[0].__proto__', '__proto__'],
    ['a prototype in a body', 'discovery: { input: { body: { __proto__: 1 } } }', 'input.body.__proto__', '__proto__'],
    ['deep nesting', `discovery: { output: ${nested(21)} }`, 'discovery.output', 'nested too deeply'],
    ['an anchor around its own alias', 'discovery: { output: &a { b: *a } }', 'discovery.output', 'nested too deeply'],
    ['a long example', `discovery: { output: "${'x'.repeat(4000)}" }`, 'discovery.output', '4002 characters'],
    ['a body of a route that reads', 'methods: [GET]\ndiscovery: { input: { body: 1 } }', 'discovery', 'has a body'],
    ['a body type alone', 'discovery: { input: { bodyType: text } }', 'discovery.input', 'without a body'],
    [
      'a form that is no map',
      'discovery: { input: { body: a, bodyType: form-data } }',
      'input',
      'no example of form-data',
    ],
  ])('is refused with %s, at its place in the file', (_, keys, path, wrong) => {
    const problem = problemOf(keys);
    expect(problem.keyPath).toContain(path);
    expect(problem.wrong).toContain(wrong);
    expect(problem.line).toBeGreaterThan(6);
  });

  it('takes examples of any shape up to the depth that a payment can bring back', () => {
    expect(statedBy(`discovery: { output: ${nested(20)} }`)?.output).toBeDefined();
  });

  it('describes no tools of an MCP server, which describe themselves', () => {
    const mcp = `mcp: { tools: { search: $0.01 } }\ndiscovery: { output: { a: 1 } }`;
    expect(problemsOf(route(mcp)).join()).toContain('own lists');
    expect(planOf(route(mcp.replace('output: { a: 1 }', 'description: Searches'))).routes[0]?.stated).toBeDefined();
  });

  it('causes a warning when the file publishes nothing', () => {
    const loaded = load(`discovery: off\n${route('price: $1\ndiscovery: { output: 1 }')}`);
    expect(loaded.ok && loaded.warnings.map(({ keyPath }) => keyPath)).toContain('routes[0].discovery');
  });
});

import { describe, expect, it } from 'vitest';
import { type McpTarget, mcpPriceOf } from '../../../src/domain/mcp-terms.ts';
import { planOf, problemsOf, route } from '../../support/config/load.ts';

const mcp = (text: string): string => route(`mcp: ${text}`);

function priceOf(text: string, target: McpTarget, name: string): string {
  const terms = planOf(mcp(text)).routes[0]?.mcp;
  if (terms === undefined) throw new Error('no terms');
  const price = mcpPriceOf(terms, target, name);
  return price === 'refuse' || price.kind === 'free' ? String(price === 'refuse' ? price : price.kind) : price.text;
}

describe('the prices of an MCP server', () => {
  const TABLE = `{tools: {"*": $0.01, "image_*": $0.05, image_small: $0.02}, resources: {"docs://*": free}, prompts: {review: $0.003}`;

  it.each([
    ['tool', 'image_small', '$0.02'],
    ['tool', 'image_large', '$0.05'],
    ['tool', 'anything', '$0.01'],
    ['resource', 'docs://a', 'free'],
    ['resource', 'file://a', 'refuse'],
    ['prompt', 'review', '$0.003'],
    ['prompt', 'image_small', 'refuse'],
  ] as const)('for the %s %s give %s, by the most specific name', (target, name, price) => {
    expect(priceOf(`${TABLE}}`, target, name)).toBe(price);
  });

  it.each([
    ['free', 'free'],
    ['refuse', 'refuse'],
    ['$0.5', '$0.5'],
  ])('for names that fit no entry follow `otherwise`: %s', (otherwise, price) => {
    expect(priceOf(`${TABLE}, otherwise: ${otherwise}}`, 'prompt', 'unknown')).toBe(price);
  });

  it('are listed in their order of precedence among the prices of the route', () => {
    const { prices = [] } = planOf(mcp(`${TABLE}}`)).routes[0] ?? {};
    const tools = prices.map(({ id }) => id.slice(id.indexOf('#') + 1)).filter((id) => id.startsWith('tool='));
    expect(tools).toEqual(['tool=image_small', 'tool=image_*', 'tool=*']);
  });

  it('keep names apart whatever their characters, and are refused when metrics cannot tell two names apart', () => {
    expect(priceOf('{tools: {"wörter": $0.001, "w-rter": $0.002}}', 'tool', 'wörter')).toBe('$0.001');
    expect(problemsOf(mcp('{tools: {"a b": $0.001, "a_b": $0.002}}'))).toEqual([
      expect.stringContaining('metrics and the ledger cannot tell it from "a b"'),
    ]);
  });

  it('replace a price', () => {
    expect(problemsOf(route('price: $1\nmcp: {tools: {a: $0.001}}'))).toEqual([
      expect.stringContaining('the route sells calls of MCP'),
    ]);
    expect(problemsOf(mcp('{binding: result}'))).toEqual([expect.stringContaining('nothing of the MCP server')]);
  });
});

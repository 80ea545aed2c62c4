import { describe, expect, it } from 'vitest';
import { planOf } from '../support/gateway.ts';

const TOP =
  'upstream: http://127.0.0.1:9\npayTo: "0x209693Bc6afc0C5328bA36FaF03C514EF312287C"\naccepts: [base]\nstore: memory\n';
const ROUTES = 'routes: [{ path: /a, price: $0.001 }]\n';

describe('the nodes beside a remote facilitator', () => {
  it('are one for each network that is named, by name or CAIP-2', async () => {
    const rpc = '{ base: "https://rpc.example/k", "eip155:84532": "http://127.0.0.1:1" }';
    const plan = await planOf(`${TOP}facilitator: { url: "https://f.example", rpc: ${rpc} }\n${ROUTES}`);
    const urls = [
      ['eip155:8453', 'https://rpc.example/k'],
      ['eip155:84532', 'http://127.0.0.1:1'],
    ];
    expect(plan.facilitators).toMatchObject([{ kind: 'remote' }]);
    expect(plan.facilitators.flatMap((spec) => [...spec.rpc])).toEqual(urls);
  });

  it.each(['https://f.example', '{ url: "https://f.example" }'])('are none unless they are given: %s', async (form) => {
    const plan = await planOf(`${TOP}facilitator: ${form}\n${ROUTES}`);
    expect(plan.facilitators.flatMap((spec) => [...spec.rpc])).toEqual([]);
  });

  it.each([
    ['a network that is not known', '{ bsae: "https://rpc.example" }', /facilitator\.rpc\.bsae/],
    ['a URL that is none', '{ base: "rpc.example" }', /facilitator\.rpc\.base/],
    ['no network at all', '{}', /facilitator\.rpc/],
    ['the same network twice', '{ base: "https://a", "eip155:8453": "https://b" }', /given twice/],
    ['a network without such nodes', '{ "solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp": "https://a" }', /JSON-RPC/],
  ])('are refused with %s', async (_, rpc, message) => {
    const text = `${TOP}facilitator: { url: "https://f.example", rpc: ${rpc} }\n${ROUTES}`;
    await expect(planOf(text)).rejects.toThrow(message);
  });
});

import { DEVNET_RPC_URL, MAINNET_RPC_URL } from '@x402/svm';
import * as chains from 'viem/chains';
import { describe, expect, it } from 'vitest';
import { readAssetTable } from '../../../src/config/asset-table.ts';
import { describePublicNodes } from '../../../src/config/public-nodes.ts';
import { planOf } from '../../support/gateway.ts';

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
    ['a network without such nodes', '{ stellar: "https://a" }', /JSON-RPC/],
  ])('are refused with %s', async (_, rpc, message) => {
    const text = `${TOP}facilitator: { url: "https://f.example", rpc: ${rpc} }\n${ROUTES}`;
    await expect(planOf(text)).rejects.toThrow(message);
  });

  it('can be of Solana beside those of EVM, but not for a local facilitator, which settles on EVM', async () => {
    const rpc = '{ base: "https://rpc.example/k", solana: "https://rpc.example/s?api-key=k" }';
    const plan = await planOf(`${TOP}facilitator: { url: "https://f.example", rpc: ${rpc} }\n${ROUTES}`);
    expect(plan.facilitators.flatMap((spec) => [...spec.rpc])).toEqual([
      ['eip155:8453', 'https://rpc.example/k'],
      ['solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp', 'https://rpc.example/s?api-key=k'],
    ]);
    const local = `facilitator: { local: { rpc: ${rpc}, key: "0x${'12'.repeat(32)}" } }`;
    await expect(planOf(`${TOP}${local}\n${ROUTES}`)).rejects.toThrow(/solana has no JSON-RPC nodes/);
  });

  it('are public ones of known networks for payments in doubt, except on networks with a configured node', async () => {
    const nodes = 'base=http://127.0.0.1:1,base-sepolia=http://127.0.0.1:2';
    const rpc = '{ base: "http://127.0.0.1:3" }';
    const publicNodes = async (form: string) => {
      const plan = await planOf(`${TOP}facilitator: ${form}\n${ROUTES}`, nodes);
      return plan.facilitators.flatMap((spec) => (spec.kind === 'remote' ? [...(spec.publicNodes ?? [])] : []));
    };
    expect(await publicNodes('https://f.example')).toEqual([
      ['eip155:8453', 'http://127.0.0.1:1'],
      ['eip155:84532', 'http://127.0.0.1:2'],
    ]);
    expect(await publicNodes(`{ url: "https://f.example", rpc: ${rpc} }`)).toEqual([
      ['eip155:84532', 'http://127.0.0.1:2'],
    ]);
    expect(await publicNodes('{ url: "https://f.example", rpc: off }')).toEqual([]);
  });

  it.each([
    ['bse=http://127.0.0.1:1', /names the network "bse", which is not known; did you mean base\?/],
    ['base=http://127.0.0.1:1,nowhere-at-all=http://127.0.0.1:2', /"nowhere-at-all", which is not known/],
    ['base:http://127.0.0.1:1', /holds a part without a URL/],
    ['base', /holds a part without a URL, for base/],
    ['base=127.0.0.1:8545', /has no http or https URL for base/],
    ['base=', /has no http or https URL for base/],
    ['base=http://a.example,eip155:8453=http://b.example', /names eip155:8453 twice/],
    ['none', /holds a part without a URL/],
    ['off,base=http://127.0.0.1:1', /holds a part without a URL/],
  ])('stop the start when the environment misspells them: %s', async (nodes, message) => {
    await expect(planOf(`${TOP}facilitator: https://f.example\n${ROUTES}`, nodes)).rejects.toThrow(message);
  });

  it('are refused without showing their URL, which may hold a key', async () => {
    const text = `${TOP}facilitator: https://f.example\n${ROUTES}`;
    const refused = planOf(text, 'bsae=https://node.example/secret-key,base=ftp://node.example/secret-key');
    await expect(refused).rejects.toThrow(/^(?!.*secret-key).*\n(?!.*secret-key).*$/);
  });

  it('are reported for networks that routes sell on, and are those of viem and @x402/svm by default', async () => {
    const told = async (nodes: string, form = 'https://f.example') =>
      describePublicNodes(await planOf(`${TOP}facilitator: ${form}\n${ROUTES}`, nodes), readAssetTable());
    expect(await told('base=http://127.0.0.1:1,polygon=http://127.0.0.1:2')).toEqual([
      expect.stringContaining('on base whose outcome is in doubt is looked for at the public node http://127.0.0.1:1'),
    ]);
    expect(await told('', '{ url: "https://f.example", rpc: off }')).toEqual([]);
    for (const { network, publicNode } of readAssetTable().networks) {
      if (publicNode === undefined) continue;
      const chain = Object.values(chains).find(({ id }) => `eip155:${id}` === network);
      expect(chain?.rpcUrls.default.http ?? [MAINNET_RPC_URL, DEVNET_RPC_URL], network).toContain(publicNode);
    }
  });
});

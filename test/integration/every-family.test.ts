import { generateKeyPairSigner, type KeyPairSigner } from '@solana/kit';
import { ExactSvmScheme } from '@x402/svm/exact/client';
import { generatePrivateKey, privateKeyToAddress } from 'viem/accounts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { familyVectors } from '../conformance/family-vectors/vectors.ts';
import { challengeOf } from '../support/buyer.ts';
import { readRepositoryFile } from '../support/docs/markdown.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { handSigned, type Requirement, toHeader } from '../support/payment-header.ts';
import { type Rail, rails } from '../support/rails.ts';
import { type ScriptedFacilitator, startScriptedFacilitator } from '../support/scripted-facilitator.ts';
import { type SvmChain, startSvmChain } from '../support/svm/local-chain.ts';
import { startUpstream, type TestUpstream } from '../support/upstream.ts';

/** One transaction is one payment, on the networks of every family. */

let facilitator: ScriptedFacilitator;
let upstream: TestUpstream;
let gateway: TestGateway;
let chain: SvmChain;
let buyer: KeyPairSigner;
let settler: KeyPairSigner;

beforeAll(async () => {
  [chain, buyer, settler] = await Promise.all([startSvmChain(), generateKeyPairSigner(), generateKeyPairSigner()]);
  chain.mint('EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v', new Map([[buyer.address, 1_000_000n]]));
  chain.fund(buyer.address, 1_000_000n);
  const kinds = rails.map(({ network }) => ({
    ...{ x402Version: 2, scheme: 'exact', network },
    extra: network.startsWith('solana:') ? { feePayer: settler.address } : {},
  }));
  [facilitator, upstream] = await Promise.all([startScriptedFacilitator(kinds), startUpstream()]);
  gateway = await startTestGateway(`upstream: ${upstream.url}
store: memory
facilitator: { url: "${facilitator.url}" }
routes:
${rails.map(routeOf).join('\n')}
`);
});

afterAll(async () => {
  await gateway?.close();
  await Promise.all([facilitator?.close(), upstream?.close(), chain?.close()]);
});

function routeOf({ name, network, asset, payTo }: Rail): string {
  const accepts = asset === undefined ? name : `{ network: "${network}", asset: ${asset} }`;
  const price = asset === undefined ? '$0.01' : '"0.01 USDC"';
  return `  - { path: "${pathOf(name)}", price: ${price}, payTo: "${payTo}", accepts: [${accepts}] }`;
}

function pathOf(name: string): string {
  return `/${name.replaceAll(/[^a-z0-9-]/gi, '-')}`;
}

/** Two payloads with one transaction, and who signed it. */
async function signed(rail: Rail, accepted: Requirement): Promise<{ payloads: readonly object[]; payer: string }> {
  if (rail.network.startsWith('eip155:')) {
    const key = generatePrivateKey();
    const { name, version } = accepted['extra'] as { name: string; version: string };
    const { authorization, signature } = await handSigned(key, accepted, { domain: { name, version } });
    const payloads = [
      { authorization, signature },
      { authorization, signature, note: 'another' },
    ];
    return { payloads, payer: privateKeyToAddress(key) };
  }
  if (rail.network.startsWith('solana:')) {
    const scheme = new ExactSvmScheme(buyer, { rpcUrl: chain.rpcUrl });
    const { payload } = await scheme.createPaymentPayload(2, accepted as never);
    return { payloads: [payload, { ...payload, note: 'another' }], payer: buyer.address };
  }
  const { payer, network } = rail;
  const official = familyVectors[network.split(':')[0] as keyof typeof familyVectors];
  if (official === undefined) {
    const transaction = `signed for ${network}`;
    const payloads = [
      { transaction, more: 1 },
      { more: 1, transaction },
    ];
    return { payloads, payer };
  }
  const [another = { ...official.payload, note: 'another' }] = Object.values(official.same ?? {});
  return { payloads: [official.payload, another], payer };
}

function agree({ network, transaction, tried }: Rail, payer: string): void {
  const valid = { kind: 'say', text: JSON.stringify({ isValid: true, payer }) } as const;
  // The gateway cannot tell the payer of another payload, so that its facilitator is asked again.
  facilitator.next('verify', ...(tried === 'client code' ? [valid, valid] : [valid]));
  facilitator.next('settle', {
    kind: 'say',
    text: JSON.stringify({ success: true, transaction, network, payer }),
  });
}

const asked = (endpoint: string): number => facilitator.requests.filter((one) => one.endpoint === endpoint).length;

describe.each(rails)('on $name', (rail) => {
  it('one transaction pays once, whatever else its payload holds', async () => {
    const url = gateway.url + pathOf(rail.name);
    const [accepted] = challengeOf(await fetch(url)).accepts;
    expect(accepted).toMatchObject({ network: rail.network, payTo: rail.payTo });
    const { payloads, payer } = await signed(rail, accepted as unknown as Requirement);
    const before = { settled: asked('settle'), seen: upstream.seen.length };
    agree(rail, payer);
    const statuses: number[] = [];
    for (const payload of [...payloads, payloads[0]]) {
      const header = toHeader({ x402Version: 2, accepted, payload });
      statuses.push((await fetch(url, { headers: { 'PAYMENT-SIGNATURE': header } })).status);
    }
    expect(statuses).toEqual([200, 409, 409]);
    expect(asked('settle') - before.settled).toBe(1);
    expect(upstream.seen.length - before.seen).toBe(1);
  });
});

it('is what docs/rails.md says of each network', () => {
  const page = readRepositoryFile('docs/rails.md');
  const groups = Map.groupBy(rails, ({ tried }) => tried);
  const rows = [...groups].map(([tried, told]) => `| ${tried} | ${told.map(({ name }) => `\`${name}\``).join(', ')} |`);
  expect(rails).toHaveLength(25);
  expect(rows.filter((row) => !page.includes(row))).toEqual([]);
});

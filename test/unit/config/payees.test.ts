import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../../src/config/load.ts';
import type { Offer } from '../../../src/domain/offer.ts';
import { paidPrices } from '../../../src/domain/route-price.ts';
import { loadSchemes } from '../../../src/registry.ts';

const schemes = await loadSchemes();
const EVM = '0x209693Bc6afc0C5328bA36FaF03C514EF312287C';
const SOLANA = 'CmpNeggWJ4JaWJeJ8YKN1Zypmk7uvQq3PECGUCAEMbky';
const STELLAR = 'GA5ZSEJYB37JRC5AVCIA5MOP4RHTM335X2KGX3IHOJAPP5RE34K4KZVN';

function load(keys: string) {
  const text = `upstream: http://127.0.0.1:8080\nfacilitator: https://facilitator.example\n${keys}\n`;
  return loadConfig({ file: 'gateway.yaml', text, env: {}, readFile: () => '', schemes });
}

function offersOf(keys: string): readonly Offer[] {
  const loaded = load(keys);
  if (!loaded.ok) throw new Error(loaded.problems.map(({ keyPath, wrong }) => `${keyPath}: ${wrong}`).join('\n'));
  return loaded.plan.routes.flatMap(paidPrices).flatMap(({ offers }) => offers);
}

function problemsOf(keys: string): readonly string[] {
  const loaded = load(keys);
  return loaded.ok ? [] : loaded.problems.map(({ keyPath, wrong }) => `${keyPath}: ${wrong}`);
}

const ROUTE = 'routes: [{path: /a, price: $0.01}]';

describe('the payee', () => {
  it('is one account for each network family', () => {
    const offers = offersOf(
      `accepts: [base, solana, stellar]\npayTo: {eip155: "${EVM}", solana: "${SOLANA}", stellar: "${STELLAR}"}\n${ROUTE}`,
    );
    expect(offers.map(({ network, payTo, amount }) => [network, payTo, amount])).toEqual([
      ['eip155:8453', EVM, 10_000n],
      ['solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp', SOLANA, 10_000n],
      // Seven decimals there.
      ['stellar:pubnet', STELLAR, 100_000n],
    ]);
    expect(offers.map(({ requirements }) => Object.keys(requirements.extra))).toEqual([['name', 'version'], [], []]);
  });

  it('has to be an address of every family that is accepted', () => {
    const accepts = 'accepts: [base, solana]';
    expect(problemsOf(`${accepts}\npayTo: "${EVM}"\n${ROUTE}`)).toEqual([`payTo: "${EVM}" is not a Solana address`]);
    expect(problemsOf(`${accepts}\npayTo: "${SOLANA}"\n${ROUTE}`)).toEqual([
      `payTo: "${SOLANA}" is not an EVM address`,
    ]);
    expect(problemsOf(`${accepts}\npayTo: {eip155: "${EVM}"}\n${ROUTE}`)).toEqual([
      'payTo: nobody is paid on solana networks: payTo has no solana',
    ]);
    expect(problemsOf(`${accepts}\npayTo: {eip155: "${EVM}", solana: "${EVM}"}\n${ROUTE}`)).toEqual([
      `payTo.solana: "${EVM}" is not a Solana address`,
    ]);
  });

  it('is reported once when it is wrong, however many routes inherit it', () => {
    const routes = 'routes: [{path: /a, price: $0.01}, {path: /b, price: $0.02}]';
    expect(problemsOf(`accepts: [solana]\npayTo: "${EVM}"\n${routes}`)).toHaveLength(1);
  });

  it('is a mistake for a family that nothing accepts', () => {
    expect(problemsOf(`accepts: [base]\npayTo: {eip155: "${EVM}", solana: "${SOLANA}"}\n${ROUTE}`)).toEqual([
      'payTo.solana: no way to pay is on a solana network',
    ]);
    const own = `routes: [{path: /a, price: $0.01, payTo: {eip155: "${EVM}", stellar: "${STELLAR}"}}]`;
    expect(problemsOf(`accepts: [base]\n${own}`)).toEqual([
      'routes[0].payTo.stellar: no way to pay is on a stellar network',
    ]);
  });

  it('cannot be the mint of the token', () => {
    const usdc = 'EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v';
    expect(problemsOf(`accepts: [solana]\npayTo: "${usdc}"\n${ROUTE}`)).toEqual([
      'payTo: the money would go to the token contract and be lost',
    ]);
  });
});

describe('an asset outside EVM', () => {
  const accept = (asset: string): string =>
    `payTo: "alice.near"\naccepts: [{network: "near:mainnet", asset: ${asset}}]\nroutes: [{path: /a, price: "0.5 USDC"}]`;

  it('needs its address and decimals, on any network that a facilitator lists', () => {
    const [offer] = offersOf(accept('{address: usdc.near, decimals: 6, symbol: USDC}'));
    expect(offer).toMatchObject({ network: 'near:mainnet', scheme: 'exact', amount: 500_000n, payTo: 'alice.near' });
  });

  it('has no EIP-712 domain', () => {
    expect(problemsOf(accept('{address: usdc.near, decimals: 6, symbol: USDC, name: USD Coin}'))).toEqual([
      'accepts[0].asset.name: name means nothing on near networks',
    ]);
    expect(
      problemsOf(`payTo: "${EVM}"\naccepts: [{network: base, asset: {address: "${SOLANA}", decimals: 6}}]\n${ROUTE}`),
    ).toEqual(expect.arrayContaining([`accepts[0].asset.address: "${SOLANA}" is not an EVM address`]));
  });
});

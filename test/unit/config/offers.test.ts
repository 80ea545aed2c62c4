import { describe, expect, it } from 'vitest';
import { offersOf, problemsOf, route, warningsOf } from '../../support/config/load.ts';

describe('offers', () => {
  it('makes an offer with the known asset, exact units and what v1 clients call the network', () => {
    const [offer] = offersOf(route('price: $0.001'));
    expect(offer).toMatchObject({ scheme: 'exact', network: 'eip155:8453', amount: 1000n, v1Network: 'base' });
    expect(offer?.requirements).toEqual({
      scheme: 'exact',
      network: 'eip155:8453',
      amount: '1000',
      asset: '0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913',
      payTo: '0x209693Bc6afc0C5328bA36FaF03C514EF312287C',
      maxTimeoutSeconds: 300,
      extra: { name: 'USD Coin', version: '2' },
    });
  });

  it.each([
    ['before', 'upfront'],
    ['after', undefined],
    ['deferred', undefined],
  ])('tells buyers when the money moves with settle: %s', (settle, flow) => {
    const [offer] = offersOf(route(`price: $0.001\nsettle: ${settle}`));
    expect(offer?.requirements.extra).toEqual({
      name: 'USD Coin',
      version: '2',
      ...(flow === undefined ? {} : { paymentFlow: flow }),
    });
  });

  it('counts a dollar price at the decimals of each network', () => {
    const offers = offersOf(route('price: $0.5\naccepts: [base, megaeth]'));
    expect(offers.map((offer) => [offer.asset.symbol, offer.amount])).toEqual([
      ['USDC', 500_000n],
      ['MegaUSD', 500_000_000_000_000_000n],
    ]);
  });

  it('offers nothing to v1 clients on networks and transfer methods that they do not know', () => {
    const offers = offersOf(route('price: $0.5\naccepts: [arbitrum, radius]'));
    expect(offers.map((offer) => offer.v1Network)).toEqual([undefined, undefined]);
  });

  it('takes the token that a price names', () => {
    const offers = offersOf(route('price: 0.25 USDT\naccepts: [celo]'));
    expect(offers).toMatchObject([{ asset: { symbol: 'USDT' }, amount: 250_000n }]);
  });

  it('refuses a price in a token that the route does not accept', () => {
    const text = route('price: 0.25 USDC\naccepts: [{network: celo, asset: USDT}]');
    expect(problemsOf(text)).toEqual([expect.stringContaining('the price is in USDC, but USDT is accepted on celo')]);
  });

  it('lists the assets it knows when a symbol is not one of them', () => {
    const text = route('price: $1\naccepts: [{network: celo, asset: DAI}]');
    expect(problemsOf(text)).toEqual([expect.stringContaining('expected USDC, USDT, USAT, or the long form')]);
  });

  it('takes an atomic price of an accepted asset and only offers that one', () => {
    const usdc = '0xcebA9300f2b948710d2653dD7B07f33A8B32118C';
    const offers = offersOf(route(`price: {amount: "10000", asset: "${usdc}"}\naccepts: [base, celo]`));
    expect(offers).toMatchObject([{ network: 'eip155:42220', amount: 10_000n }]);
  });

  it('refuses an atomic price of an asset that nothing accepts', () => {
    const text = route('price: {amount: "10000", asset: "0x1111111111111111111111111111111111111111"}');
    expect(problemsOf(text)).toEqual([expect.stringContaining('no way to pay that the route accepts has this asset')]);
  });

  const TOKEN = 'address: "0x1111111111111111111111111111111111111111", decimals: 2, name: Cent, version: "1"';

  it('takes any token in the long form, and warns that a dollar price counts it as a dollar', () => {
    const text = route(`price: $0.25\naccepts: [{network: "eip155:777", asset: {${TOKEN}, transferMethod: permit2}}]`);
    expect(offersOf(text)).toMatchObject([{ amount: 25n, asset: { symbol: 'Cent', transferMethod: 'permit2' } }]);
    expect(warningsOf(text).map((warning) => warning.keyPath)).toEqual(['routes[0].price']);
  });

  it('requires every part of the long form', () => {
    const text = route(`price: $0.25\naccepts: [{network: "eip155:777", asset: {${TOKEN}}}]`);
    expect(problemsOf(text)).toEqual([expect.stringContaining('asset.transferMethod: it is missing')]);
  });

  it('refuses other decimals for a token whose decimals are known', () => {
    const usdc =
      '{address: "0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913", decimals: 2, name: USD Coin, version: "2", transferMethod: eip3009}';
    const text = route(`price: $0.25\naccepts: [{network: base, asset: ${usdc}}]`);
    expect(problemsOf(text)).toEqual([expect.stringContaining('USDC has 6 decimals, not 2')]);
  });

  it('refuses to pay the token contract, the zero address and an address with a wrong digit', () => {
    const pay = (address: string): readonly string[] => problemsOf(route(`price: $1\npayTo: "${address}"`));
    expect(pay('0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913')).toEqual([expect.stringContaining('token contract')]);
    expect(pay(`0x${'0'.repeat(40)}`)).toEqual([expect.stringContaining('the zero address')]);
    expect(pay('0x209693Bc6afc0C5328bA36FaF03C514EF312287c')).toEqual([expect.stringContaining('checksum')]);
    expect(pay('0x209693bc6afc0c5328ba36faf03c514ef312287c')).toEqual([]);
  });

  it('refuses an address that YAML reads as a number', () => {
    const text = route('price: $1\npayTo: 0x209693bc6afc0c5328ba36faf03c514ef312287c');
    expect(problemsOf(text)).toEqual([expect.stringContaining('without quotes is a number in YAML')]);
  });

  it('keeps a quote valid for longer than the upstream and the settlement may take', () => {
    expect(offersOf(route('price: $1\ntimeout: 10m'))[0]?.maxTimeoutSeconds).toBe(630);
    expect(offersOf(route('price: $1\ntimeout: 10m\nsettle: before'))[0]?.maxTimeoutSeconds).toBe(300);
    expect(offersOf(route('price: $1\ntimeout: 10m\nsettle: deferred'))[0]?.maxTimeoutSeconds).toBe(630);
    const tooShort = route('price: $1\naccepts: [{network: base, maxTimeoutSeconds: 59}]');
    expect(problemsOf(tooShort)).toEqual([
      expect.stringContaining('expected at least 60 (30 for the upstream, 30 to settle)'),
    ]);
  });

  it('keeps a quote valid as long as a whole answer on credit may take, and refuses a shorter one', () => {
    const upstream = 'upstream: {url: http://a.example, totalTimeout: 20m}\n';
    const metered = 'price: {upTo: $0.5, meter: openai, rates: {output: $10/1M}}';
    expect(offersOf(route(`${upstream}${metered}`))[0]?.maxTimeoutSeconds).toBe(1230);
    expect(offersOf(route(`${upstream}price: $1\nsettle: deferred`))[0]?.maxTimeoutSeconds).toBe(1230);
    expect(offersOf(route(`${upstream}price: $1`))[0]?.maxTimeoutSeconds).toBe(300);
    expect(problemsOf(route(`${upstream}${metered}\naccepts: [{network: base, maxTimeoutSeconds: 600}]`))).toEqual([
      expect.stringContaining('expected at least 1230 (1200 for the upstream, 30 to settle)'),
    ]);
  });

  it('refuses one token contract for several networks', () => {
    const long = `asset: {${TOKEN}, transferMethod: permit2}\n`;
    expect(problemsOf(long + route('price: 1 Cent\naccepts: [base, polygon]'))).toEqual([
      expect.stringMatching(/:1:8 asset: one contract cannot be on base and polygon/),
    ]);
    expect(offersOf(long + route('price: 1 Cent'))).toMatchObject([{ amount: 100n, network: 'eip155:8453' }]);
  });

  it('refuses a network family without a scheme, and a scheme that is not there', () => {
    expect(problemsOf(route('price: $1\naccepts: ["solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp"]'))).toContainEqual(
      expect.stringContaining('no scheme exact on solana networks'),
    );
    expect(problemsOf(route('price: $1\naccepts: [{network: base, scheme: upto}]'))).toEqual([
      expect.stringContaining('no scheme upto on eip155 networks'),
    ]);
  });

  it('refuses a way to pay that is listed twice under two names', () => {
    expect(problemsOf(route('price: $1\naccepts: [base, "eip155:8453"]'))).toEqual([
      expect.stringContaining('listed twice'),
    ]);
  });

  it('refuses a 402 that would not fit into a header of 6 KB', () => {
    const networks =
      'base, ethereum, avalanche, polygon, arbitrum, monad, celo, sei, xdc, flare, stable, hpp, igra, mezo, radius, abstract, story, peaq, iotex, educhain';
    expect(problemsOf(route(`price: $1\naccepts: [${networks}]`))).toEqual([
      expect.stringMatching(/the 402 would be \d+ bytes over the 6 KB/),
    ]);
  });
});

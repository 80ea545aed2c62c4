import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../../src/config/load.ts';
import type { Problem } from '../../../src/config/problem.ts';
import { loadSchemes } from '../../../src/registry.ts';
import { rails } from '../../support/rails.ts';

const schemes = await loadSchemes();

/** What `turnpike check` warns of in a file with one route, beside that `store: memory` forgets. */
function warned(accepts: string, payTo: string, keys = ''): readonly Problem[] {
  const price = accepts.includes('asset') ? '"0.01 USDC"' : '$0.01';
  const text = `upstream: http://127.0.0.1:8080
facilitator: https://facilitator.example
store: memory
routes: [{ path: /a, price: ${price}, payTo: "${payTo}", accepts: [${accepts}]${keys} }]
`;
  const loaded = loadConfig({ file: 'gateway.yaml', text, env: {}, readFile: () => '', schemes, cpus: 1 });
  if (!loaded.ok) throw new Error(loaded.problems.map(({ wrong }) => wrong).join('\n'));
  return loaded.warnings.filter(({ keyPath }) => keyPath !== 'store');
}

const TOLD_APART =
  'a payment is told from others here, and nothing else of it is checked: the facilitator alone says whether it pays, and who did';
const NOT_READ =
  'a payment is not read here: the facilitator alone says whether it pays, who did, and that it was not taken before';

describe('what is unchecked of a payment', () => {
  it.each(rails)('on $name is said by check', ({ name, network, asset, payTo, tried }) => {
    const accepts = asset === undefined ? name : `{ network: "${network}", asset: ${asset} }`;
    const said = warned(accepts, payTo).filter(({ right }) => right === 'a facilitator that you trust with that');
    const words = { 'client code': [TOLD_APART], payload: [NOT_READ] }[tried as string] ?? [];
    expect(said.map(({ wrong }) => wrong)).toEqual(words.map((one) => expect.stringMatching(new RegExp(` ${one}$`))));
    expect(said.every(({ keyPath }) => keyPath === 'routes[0].accepts[0]')).toBe(true);
  });
});

describe('MPP', () => {
  const BASE = '0x209693Bc6afc0C5328bA36FaF03C514EF312287C';

  it('is left out where it cannot state the price, with the reason in words', () => {
    const said = warned('base', BASE, ', protocols: [x402, mpp], settle: deferred').map(({ wrong }) => wrong);
    expect(said).toContainEqual(
      expect.stringMatching(
        /^MPP cannot state the price .*: its receipts come with the answer, and settle: deferred has none by then\. It is offered in x402 alone$/,
      ),
    );
  });
});

import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Devnet, freshPayer, startDevnet } from '../support/devnet.ts';
import { readRepositoryFile, repositoryPath } from '../support/docs/markdown.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { settings } from '../support/settings.ts';
import { startUpstream, type TestUpstream } from '../support/upstream.ts';

const chapter = /## How a buyer pays[\s\S]*?(?=\n## )/.exec(readRepositoryFile('README.md'))?.[0] ?? '';
const [pays = '', keepsTheToken = '', signsIn = ''] = [...chapter.matchAll(/```js\n([\s\S]*?)```/g)].map(
  ([, code = '']) => code,
);
/** What the README says that the snippets run with, for those that are installed here. */
const folder = mkdtempSync(join(tmpdir(), 'turnpike-buyers-'));

let devnet: Devnet;
let upstream: TestUpstream;
let selling: TestGateway;
let sellingPasses: TestGateway;

beforeAll(async () => {
  symlinkSync(repositoryPath('node_modules'), join(folder, 'node_modules'));
  [devnet, upstream] = await Promise.all([startDevnet(), startUpstream((_req, res) => res.end('hello\n'))]);
  const top = settings(devnet, upstream.url);
  selling = await startTestGateway(`${top}routes:\n  - { path: /*, price: $0.001 }\n`);
  sellingPasses = await startTestGateway(
    `${top}routes:\n  - { path: /*, price: $0.001, access: { for: 1h, requests: 100 } }\n`,
  );
});

afterAll(async () => {
  await Promise.all([selling.close(), sellingPasses.close()]);
  await Promise.all([devnet.close(), upstream.close()]);
  rmSync(folder, { recursive: true });
});

/** Runs snippets as one `buyer.mjs`, imports first, and says what it printed and what it paid. */
async function runBuyer(gateway: TestGateway, ...snippets: string[]): Promise<{ printed: string; paid: bigint }> {
  const buyer = await freshPayer(devnet);
  const before = await devnet.usdcBalanceOf(buyer.address);
  const file = join(folder, 'buyer.mjs');
  writeFileSync(file, snippets.join('\n').replaceAll('http://127.0.0.1:8402', gateway.url));
  const env = { ...process.env, BUYER_KEY: buyer.key };
  const { stdout } = await promisify(execFile)(process.execPath, [file], { env });
  return { printed: stdout, paid: before - (await devnet.usdcBalanceOf(buyer.address)) };
}

describe('the buyers of the README', { timeout: 90_000 }, () => {
  it('pay for a call with the stock client', async () => {
    expect(await runBuyer(selling, pays)).toEqual({ printed: '200 hello\n\n', paid: 1000n });
  });

  it('keep the token of a pass, and pay once for three calls', async () => {
    const buysThrice = pays.replace(/const response[\s\S]*$/, '');
    expect(await runBuyer(sellingPasses, buysThrice, keepsTheToken)).toEqual({
      printed: '1 200\n2 200\n3 200\n',
      paid: 1000n,
    });
  });

  it('pay for each of three calls where the route sells no pass, with the same code', async () => {
    const buysThrice = pays.replace(/const response[\s\S]*$/, '');
    expect((await runBuyer(selling, buysThrice, keepsTheToken)).paid).toBe(3000n);
  });

  it('sign in with the account that paid, and pay once for two calls', async () => {
    const prepared = pays.replace(/const response[\s\S]*$/, '');
    expect(await runBuyer(sellingPasses, prepared, signsIn)).toEqual({ printed: '4 200\n5 200\n', paid: 1000n });
  });
});

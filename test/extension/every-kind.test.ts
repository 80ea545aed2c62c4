import { execFile } from 'node:child_process';
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Amount } from '../../src/domain/amount.ts';
import { freePort } from '../support/free-port.ts';
import { type GatewayProcess, startGatewayProcess } from '../support/gateway-process.ts';
import { startUpstream, type TestUpstream } from '../support/upstream.ts';
import { moorAddress } from './made-up/moor-family.ts';
import { signTab } from './made-up/tab-scheme.ts';

/*
 * A gateway of made-up parts: a network family, a scheme whose charge is known after the answer, a protocol, a meter, a
 * store and a kind of facilitator. Each is one file that was written against the interfaces, and no file in `src/` knows it.
 */

const SCRIPT = join(import.meta.dirname, 'made-up/turnpike.ts');
const COMMAND = [process.execPath, '--conditions=development', SCRIPT];
const LAUNCH = { command: COMMAND, cwd: process.cwd() };

let folder: string;
let upstream: TestUpstream;
let config: string;
let payTo: string;
let buyer: { readonly account: string; readonly key: KeyObject };

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'turnpike-made-up-'));
  upstream = await startUpstream((req, res) => {
    req.resume();
    res.end('three words here');
  });
  buyer = newWallet();
  payTo = newWallet().account;
  config = `upstream: ${upstream.url}
listen: 127.0.0.1:${await freePort()}
admin: 127.0.0.1:0
store: journal:${join(folder, 'ledger.journal')}
facilitator: { harbour: { chain: "${join(folder, 'chain')}" } }
drainDelay: 0s
accepts:
  - network: moor:tide
    scheme: tab
    payTo: ${payTo}
    asset: { address: ${newWallet().account}, decimals: 7, symbol: SHELL }
routes:
  - { path: /words/*, price: 0.0001 SHELL }
`;
});
afterAll(async () => {
  await upstream.close();
  rmSync(folder, { recursive: true, force: true });
});

function newWallet(): { readonly account: string; readonly key: KeyObject } {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const { x = '' } = publicKey.export({ format: 'jwk' });
  return { account: moorAddress(Buffer.from(x, 'base64url')), key: privateKey };
}

function toll(serial: string): string {
  const signed = signTab(buyer, serial, { amount: 1000n as Amount, payTo });
  return JSON.stringify({ offer: 0, signed });
}

function ask(url: string, payment?: string): Promise<Response> {
  return fetch(`${url}/words/x`, { headers: payment === undefined ? {} : { 'Toll-Payment': payment } });
}

/** Asks again, as a buyer does, while the answer says when. */
async function askUntilSaid(url: string, payment: string): Promise<Response> {
  const answer = await ask(url, payment);
  const seconds = answer.headers.get('retry-after');
  if (seconds === null) return answer;
  await pause(Number(seconds) * 1000);
  return await askUntilSaid(url, payment);
}

async function command(...args: readonly string[]): Promise<string> {
  const [program = '', ...given] = COMMAND;
  const file = join(folder, 'gateway.yaml');
  return (await promisify(execFile)(program, [...given, ...args, '-c', file])).stdout;
}

async function started(): Promise<{ readonly gateway: GatewayProcess; readonly url: string }> {
  const gateway = startGatewayProcess(folder, config, LAUNCH);
  return { gateway, url: (await gateway.ready).url };
}

describe('a gateway of made-up parts', () => {
  it(
    'states its price, takes a payment, charges the usage, and knows the payment after a kill',
    { timeout: 120_000 },
    async () => {
      const first = await started();
      const stated = await ask(first.url);
      expect([stated.status, stated.headers.get('www-authenticate')]).toEqual([
        402,
        expect.stringMatching(/1000 SHELL/),
      ]);
      const paid = await ask(first.url, toll('one'));
      expect([paid.status, await paid.text()]).toEqual([200, 'three words here']);
      expect(paid.headers.get('toll-receipt')).toBe(`settled tx.1 of ${buyer.account}`);
      // Once its own process says so, it is written down that the answer arrived.
      expect((await askUntilSaid(first.url, toll('one'))).status).toBe(409);
      first.gateway.kill('SIGKILL');
      await first.gateway.ended;
      const second = await started();
      const again = await ask(second.url, toll('one'));
      expect([again.status, again.headers.get('toll-receipt')]).toEqual([409, `settled tx.1 of ${buyer.account}`]);
      expect((await ask(second.url, toll('two'))).status).toBe(200);
      second.gateway.kill('SIGTERM');
      expect((await second.gateway.ended).code).toBe(0);
      const chain = readFileSync(join(folder, 'chain'), 'utf8').trimEnd().split('\n');
      expect(chain.map((line) => line.split(' ').slice(1).join(' '))).toEqual(['tx.1 300', 'tx.2 300']);
    },
  );

  it('is shown by the commands in its own terms', { timeout: 120_000 }, async () => {
    expect(await command('check')).toMatch(/fine, 1 route, 1 priced/);
    expect(await command('routes')).toMatch(/0\.0001 SHELL/);
    expect(await command('explain', 'GET', '/words/x')).toMatch(/0\.0001 SHELL.*moor:tide.*tab/s);
    const ledger = await command('ledger', 'list');
    expect(ledger.match(/0\.00003 SHELL/g)).toHaveLength(2);
    const { totals } = JSON.parse(await command('ledger', 'summary', '--json'));
    expect(totals).toMatchObject([{ network: 'moor:tide', settled: 2 }]);
  });
});

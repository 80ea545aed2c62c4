import { EventEmitter } from 'node:events';
import { PassThrough } from 'node:stream';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { run } from '../../src/cli/main.ts';
import type { Terminal } from '../../src/cli/terminal.ts';
import { type Devnet, freshPayer, type Payer, startDevnet } from '../support/devnet.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { partsOf } from '../support/mpp.ts';
import { settings } from '../support/settings.ts';
import { startUpstream, type TestUpstream } from '../support/upstream.ts';

const ROUTES = `
protocols: [x402, mpp]
routes:
  - { path: /both, methods: [GET, POST], price: $0.001, description: Weather “today” }
  - { path: /mpp, price: $0.002, protocols: [mpp] }
  - { path: /x402, price: $0.003, protocols: [x402] }
`;

interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

let devnet: Devnet;
let upstream: TestUpstream;
let gateway: TestGateway;
let buyer: Payer;
/** What the API was sent, one line for each call. */
let called: string[];

beforeAll(async () => {
  [devnet, upstream] = await Promise.all([
    startDevnet(),
    startUpstream(async (req, res) => {
      const body = Buffer.concat(await req.toArray()).toString();
      called.push(`${req.method} ${req.url} ${req.headers.authorization ?? '-'} ${body}`);
      res.end('sold');
    }),
  ]);
  gateway = await startTestGateway(settings(devnet, upstream.url, { kind: 'local' }) + ROUTES);
  buyer = await freshPayer(devnet);
});
beforeEach(() => {
  called = [];
});
afterAll(async () => {
  await gateway.close();
  await Promise.all([upstream.close(), devnet.close()]);
});

/** Runs `turnpike pay --yes`; without a key where `key` says so. */
async function pay(url: string, argv: readonly string[], { key = buyer.key }: { key?: string } = {}): Promise<Ran> {
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
  const signals = new EventEmitter();
  const terminal: Terminal = {
    stdin: Object.assign(stdin, { isTTY: false }),
    stdout,
    stderr,
    env: { TURNPIKE_PAY_KEY: key },
    on: (signal, listener) => signals.on(signal, listener),
    off: (signal, listener) => signals.off(signal, listener),
  };
  const code = await run(['pay', url, '--yes', ...argv], terminal);
  return { code, out: String(stdout.read() ?? ''), err: String(stderr.read() ?? '') };
}

const spent = async (): Promise<bigint> => 1_000_000n - (await devnet.usdcBalanceOf(buyer.address));

describe('pay by MPP', () => {
  it('pays the price once, and shows the offer and the receipt', async () => {
    const before = await spent();
    const { code, out, err } = await pay(`${gateway.url}/both?q=1`, ['--protocol', 'mpp']);
    expect({ code, out }).toEqual({ code: 0, out: 'sold' });
    expect(err).toContain('for       Weather “today”');
    expect(err).toContain(`price     0.001 USDC (1000 atomic units of ${devnet.usdc})`);
    expect(err).toContain('network   base-sepolia (eip155:84532, a test network)');
    expect(err).toContain(`pay to    ${devnet.accounts.payee.address}`);
    expect(err).toMatch(/terms {5}charge in MPP, valid for \d+ s/);
    expect(err).toMatch(/paid {6}0\.001 USDC\ntx {8}0x[0-9a-f]{64}\nnetwork {3}base-sepolia \(eip155:84532\)\n/);
    expect(err).not.toContain(buyer.key.slice(2));
    expect((await spent()) - before).toBe(1000n);
    expect(called).toEqual(['GET /both?q=1 - ']);
  });

  it('is used for a server that speaks only MPP; x402 is used for one that speaks both', async () => {
    const [mpp, both, x402] = [
      await pay(`${gateway.url}/mpp`, []),
      await pay(`${gateway.url}/both`, []),
      await pay(`${gateway.url}/both`, ['--protocol', 'x402']),
    ];
    expect([mpp.code, both.code, x402.code]).toEqual([0, 0, 0]);
    expect(mpp.err).toContain('charge in MPP');
    expect(both.err).toContain('terms     exact');
    expect(x402.err).toContain('terms     exact');
  });

  it('pays nothing where the server does not speak the protocol that was asked for', async () => {
    const before = await spent();
    const [mpp, x402] = [
      await pay(`${gateway.url}/x402`, ['--protocol', 'mpp']),
      await pay(`${gateway.url}/mpp`, ['--protocol', 'x402']),
    ];
    expect(mpp).toMatchObject({ code: 1, out: '' });
    expect(mpp.err).toContain('not paid: the server states no price in MPP that an authorization of EIP-3009 pays');
    expect(x402).toMatchObject({ code: 1, out: '' });
    expect(x402.err).toContain('not paid: the server states no price in x402, but in another protocol');
    expect((await pay(`${gateway.url}/mpp`, ['--protocol', 'l402'])).code).toBe(2);
    expect(await spent()).toBe(before);
    expect(called).toEqual([]);
  });

  it('pays no more than --max, and says the price where there is no key', async () => {
    const before = await spent();
    const dear = await pay(`${gateway.url}/mpp`, ['--max', '$0.0019']);
    expect(dear).toMatchObject({ code: 1, out: '' });
    expect(dear.err).toContain('the price is 0.002 USDC, and it is more than --max, 0.0019 USDC');
    const keyless = await pay(`${gateway.url}/mpp`, [], { key: '' });
    expect(keyless.code).toBe(2);
    expect(keyless.err).toContain('price     0.002 USDC');
    expect(keyless.err).toContain('Nothing was paid.');
    expect(await spent()).toBe(before);
  });

  it('sends method, body and the credentials of the API along', async () => {
    const argv = ['--protocol', 'mpp', '-d', '{"a":1}', '-H', 'Authorization: Bearer abc'];
    expect(await pay(`${gateway.url}/both`, argv)).toMatchObject({ code: 0, out: 'sold' });
    expect(called).toEqual(['POST /both Bearer abc {"a":1}']);
  });

  it('says why a payment was refused', async () => {
    const { code, err } = await pay(`${gateway.url}/mpp`, [], { key: `0x${'5a'.repeat(32)}` });
    expect(code).toBe(1);
    expect(err).toMatch(/The server did not take the payment: \w*insufficient_balance/);
    expect(called).toEqual([]);
  });
});

describe('pay by MPP at a server that breaks', () => {
  let front: TestUpstream;
  let answered: 'connection that breaks' | 'unresolved settlement' | 'all';
  let credentials: string[];

  beforeAll(async () => {
    // In front of the gateway: it loses what is answered to a payment.
    front = await startUpstream(async (req, res) => {
      const { authorization } = req.headers;
      const answer = await fetch(`${gateway.url}/mpp`, { headers: { ...(authorization && { authorization }) } });
      const text = await answer.text();
      if (authorization !== undefined) credentials.push(authorization);
      if (authorization !== undefined && answered === 'connection that breaks') return void res.destroy();
      if (authorization !== undefined && answered === 'unresolved settlement') return void res.writeHead(503).end();
      res.writeHead(answer.status, [...answer.headers].flat()).end(text);
    });
  });
  beforeEach(() => {
    credentials = [];
  });
  afterAll(() => front.close());

  it.each([
    'connection that breaks',
    'unresolved settlement',
  ] as const)('after a %s, says how to send the same payment again, and never pays anew', async (fault) => {
    const before = await spent();
    answered = fault;
    const lost = await pay(front.url, []);
    expect(lost.code).toBe(1);
    const again = /-H '(Authorization: Payment [^']+)'/.exec(lost.err)?.[1] ?? '';
    expect(again).toBe(`Authorization: ${credentials[0]}`);
    expect(partsOf(credentials[0] ?? '').payload).toMatchObject({ type: 'authorization', value: '2000' });
    expect((await spent()) - before).toBe(2000n);
    answered = 'all';
    await pay(front.url, ['-H', again]);
    await pay(front.url, ['-H', again, '--protocol', 'x402', '-H', 'Authorization: Bearer abc']);
    expect(new Set(credentials.map((credential) => credential.replace(/^Bearer abc, |, Bearer abc$/, ''))).size).toBe(
      1,
    );
    expect(credentials).toHaveLength(3);
    expect((await spent()) - before).toBe(2000n);
  });
});

import { EventEmitter, once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openWorld, type World } from '../../src/cli/demo/world.ts';
import { run } from '../../src/cli/main.ts';
import type { Terminal } from '../../src/cli/terminal.ts';
import { DEVNET_ACCOUNTS } from '../../src/devnet/accounts.ts';

const { buyer } = DEVNET_ACCOUNTS;

interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs `turnpike pay`; with `typed` there is a terminal, and somebody types that. */
async function pay(
  argv: readonly string[],
  { env = { TURNPIKE_PAY_KEY: buyer.key }, typed, signals = new EventEmitter() }: PayRun = {},
): Promise<Ran> {
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
  if (typed !== undefined) stdin.end(typed);
  const terminal: Terminal = {
    stdin: Object.assign(stdin, { isTTY: typed !== undefined }),
    stdout,
    stderr,
    env,
    on: (signal, listener) => signals.on(signal, listener),
    off: (signal, listener) => signals.off(signal, listener),
  };
  const code = await run(['pay', ...argv], terminal);
  return { code, out: String(stdout.read() ?? ''), err: String(stderr.read() ?? '') };
}

interface PayRun {
  readonly env?: Readonly<Record<string, string>>;
  readonly typed?: string;
  readonly signals?: EventEmitter;
}

describe('pay at a gateway', () => {
  let world: World;
  beforeAll(async () => {
    world = await openWorld(pino({ level: 'silent' }), new AbortController().signal);
  });
  afterAll(() => world.close());

  const balance = () => world.devnet.usdcBalanceOf(world.devnet.accounts.payee.address);
  const url = (path: string) => `${world.gateway.url}${path}`;

  it('pays the price once, writes the body to stdout and the receipt to stderr', async () => {
    const before = await balance();
    const { code, out, err } = await pay([url('/v1/weather/oslo'), '--yes']);
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ city: 'oslo' });
    expect(err).toContain('price     0.001 USDC (1000 atomic units of 0x036CbD53842c5426634e7929541eC2318f3dCF7e)');
    expect(err).toContain('network   base-sepolia (eip155:84532, a test network)');
    expect(err).toContain(`pay to    ${world.devnet.accounts.payee.address}`);
    expect(err).toContain('for       Current weather for a city');
    expect(err).toMatch(/paid {6}0\.001 USDC\npayer {5}0x70997970[0-9a-fA-F]{32}\ntx {8}0x[0-9a-f]{64}\n/);
    expect(err).not.toContain(buyer.key.slice(2));
    expect((await balance()) - before).toBe(1000n);
  });

  it('says that it waits while a payment is answered', async () => {
    const { err } = await pay([url('/v1/weather/oslo'), '--yes']);
    expect(err).toMatch(/^sent {6}the payment; waiting for the answer$/m);
  });

  it('says when the account has too little money, and on which network', async () => {
    const env = { TURNPIKE_PAY_KEY: `0x${'5a'.repeat(32)}` };
    const { code, err } = await pay([url('/v1/weather/oslo'), '--yes'], { env });
    expect(code).toBe(1);
    expect(err).toMatch(
      /insufficient_balance: The account holds 0 USDC on base-sepolia, and 0\.001 USDC is needed\.\nThe account is 0x[0-9a-fA-F]{40} on base-sepolia\. Send it what is missing, and pay again\./,
    );
  });

  it('asks at a terminal, and pays on a yes only', async () => {
    const before = await balance();
    const no = await pay([url('/v1/weather/oslo')], { typed: 'n\n' });
    expect(no).toMatchObject({ code: 1, out: '' });
    expect(no.err).toContain('Pay 0.001 USDC? [y/N] ');
    const nothing = await pay([url('/v1/weather/oslo')], { typed: '' });
    expect(nothing).toMatchObject({ code: 1, out: '' });
    expect(await balance()).toBe(before);
    const yes = await pay([url('/v1/weather/oslo')], { typed: 'y\n' });
    expect(yes.code).toBe(0);
    expect((await balance()) - before).toBe(1000n);
  });

  it('refuses to pay without a terminal and without --yes', async () => {
    const before = await balance();
    const { code, out, err } = await pay([url('/v1/weather/oslo')]);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toContain('pass --yes');
    expect(await balance()).toBe(before);
  });

  it('does not pay more than --max, even with --yes', async () => {
    const before = await balance();
    const { code, out, err } = await pay([url('/v1/weather/oslo'), '--yes', '--max', '$0.0009']);
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(err).toContain('the price is 0.001 USDC, and it is more than --max, 0.0009 USDC');
    expect(await balance()).toBe(before);
  });

  it('fetches a free resource without a key and without asking', async () => {
    expect(await pay([url('/healthz')], { env: {} })).toEqual({ code: 0, out: '{"status":"ok"}\n', err: '' });
    expect(await pay([url('/healthz')])).toEqual({ code: 0, out: '{"status":"ok"}\n', err: '' });
  });

  it('says where it looked for a key', async () => {
    const { code, err } = await pay([url('/v1/weather/oslo'), '--key-env', 'MY_KEY', '--yes'], { env: {} });
    expect(code).toBe(2);
    expect(err).toContain('price     0.001 USDC (1000 atomic units of');
    expect(err).toContain('Nothing was paid. To pay, put the private key of the paying account into MY_KEY');
  });

  it('does not print a value that is not a key', async () => {
    for (const wrong of ['hunter2', `0x${'0'.repeat(64)}`, `0x${'f'.repeat(64)}`]) {
      const { code, err } = await pay([url('/v1/weather/oslo')], { env: { TURNPIKE_PAY_KEY: wrong } });
      expect(code).toBe(2);
      expect(err).toBe('turnpike: TURNPIKE_PAY_KEY does not hold a private key; right is 0x and 64 hex digits\n');
    }
  });

  it('ends with 1 for an error answer, and shows it', async () => {
    const { code, out, err } = await pay([url('/nothing')]);
    expect(code).toBe(1);
    expect(JSON.parse(out)).toMatchObject({ code: 'route_not_found' });
    expect(err).toContain('status    404');
  });
});

describe('pay at a server that is no gateway of ours', () => {
  let server: Server;
  let answer: (req: IncomingMessage, res: ServerResponse) => void;
  let url: string;
  let payments: string[];

  beforeAll(async () => {
    server = createServer((req, res) => answer(req, res)).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}/thing`;
  });
  afterAll(() => {
    server.close();
    server.closeAllConnections();
  });

  const requirement = (change: object = {}) => ({
    scheme: 'exact',
    network: 'eip155:84532',
    amount: '2500000',
    asset: '0x036CbD53842c5426634e7929541eC2318f3dCF7e',
    payTo: DEVNET_ACCOUNTS.payee.address,
    maxTimeoutSeconds: 60,
    extra: { name: 'USDC', version: '2' },
    ...change,
  });
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64');

  /** Asks for money with `accepts`, and answers a payment with `paid`. */
  function sell(accepts: object[], paid: (res: ServerResponse) => void, description = 'A thing'): void {
    payments = [];
    answer = (req, res) => {
      const payment = req.headers['payment-signature'];
      if (typeof payment === 'string') {
        payments.push(payment);
        return paid(res);
      }
      const required = { x402Version: 2, error: 'Payment required', resource: { url, description }, accepts };
      res.writeHead(402, { 'PAYMENT-REQUIRED': encode(required) }).end('{}');
    };
  }

  const settled = (res: ServerResponse) => {
    const receipt = { success: true, transaction: '0xabc', network: 'eip155:84532', payer: buyer.address };
    res.writeHead(200, { 'PAYMENT-RESPONSE': encode(receipt) }).end('the thing');
  };

  it('sends a body from a file or from stdin as it is, and says when there is no such file', async () => {
    answer = async (req, res) => void res.end(await buffer(req));
    const folder = mkdtempSync(join(tmpdir(), 'turnpike-pay-'));
    const body = '{"q":\n"ö"}\n';
    writeFileSync(join(folder, 'body.json'), body);
    expect(await pay([url, '-d', `@${join(folder, 'body.json')}`])).toMatchObject({ code: 0, out: body });
    expect(await pay([url, '-d', '@-'], { typed: body })).toMatchObject({ code: 0, out: body });
    const missing = await pay([url, '-d', `@${join(folder, 'none')}`]);
    expect(missing).toMatchObject({ code: 2, out: '', err: expect.stringContaining('cannot read the body from /') });
    rmSync(folder, { recursive: true });
  });

  it('pays more than a dollar where --max says so, and not before', async () => {
    sell([requirement()], settled);
    expect(await pay([url, '--yes'])).toMatchObject({ code: 1, out: '' });
    expect(payments).toHaveLength(0);
    const { code, out, err } = await pay([url, '--yes', '--max', '$2.50']);
    expect({ code, out }).toEqual({ code: 0, out: 'the thing' });
    expect(err).toContain('paid      2.5 USDC');
    expect(payments).toHaveLength(1);
  });

  it('takes the first offer that the limit covers', async () => {
    sell([requirement(), requirement({ amount: '90000' })], settled);
    const { code } = await pay([url, '--yes']);
    expect(code).toBe(0);
    expect(JSON.parse(Buffer.from(payments[0] ?? '', 'base64').toString()).accepted.amount).toBe('90000');
  });

  it('pays in an unknown token only when --max is in its atomic units', async () => {
    const token = '0x00000000000000000000000000000000000c0ffe';
    sell([requirement({ asset: token, amount: '7' })], settled);
    const refused = await pay([url, '--yes', '--max', '$1000']);
    expect(refused.code).toBe(1);
    expect(refused.err).toContain(`allow it with --max '7 ${token}'`);
    expect(await pay([url, '--yes', '--max', `7 ${token}`])).toMatchObject({ code: 0, out: 'the thing' });
    expect(payments).toHaveLength(1);
  });

  it('pays a server of x402 v1, which asks in the body', async () => {
    let header: string | undefined;
    answer = (req, res) => {
      const sent = req.headers['x-payment'];
      if (typeof sent !== 'string') {
        const { amount, ...rest } = requirement({ network: 'base-sepolia', amount: '5000' });
        const entry = { ...rest, maxAmountRequired: amount, resource: url, description: 'Old thing', mimeType: '' };
        res.writeHead(402).end(JSON.stringify({ x402Version: 1, error: 'pay', accepts: [entry] }));
        return;
      }
      header = sent;
      const receipt = { success: true, transaction: '0xdef', network: 'base-sepolia', payer: buyer.address };
      res.writeHead(200, { 'X-PAYMENT-RESPONSE': encode(receipt) }).end('the old thing');
    };
    expect(await pay([url, '--yes', '--max', '$0.004'])).toMatchObject({ code: 1, out: '' });
    expect(header).toBeUndefined();
    const { code, out, err } = await pay([url, '--yes']);
    expect({ code, out }).toEqual({ code: 0, out: 'the old thing' });
    expect(err).toContain('paid      0.005 USDC');
    expect(JSON.parse(Buffer.from(header ?? '', 'base64').toString())).toMatchObject({
      x402Version: 1,
      payload: { authorization: { value: '5000' } },
    });
  });

  it('explains the Permit2 approval on a 412', async () => {
    const extra = { assetTransferMethod: 'permit2', name: 'USDC', version: '2' };
    sell([requirement({ amount: '1', extra })], (res) => res.writeHead(412).end());
    const { code, err } = await pay([url, '--yes']);
    expect(code).toBe(1);
    expect(err).toContain('exact through Permit2');
    expect(err).toMatch(
      /cast send 0x036CbD53842c5426634e7929541eC2318f3dCF7e 'approve\(address,uint256\)' 0x0{10}22D473/,
    );
  });

  it('says that it knows no way to pay', async () => {
    sell([requirement({ network: 'solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp' })], settled);
    const { code, err } = await pay([url, '--yes']);
    expect(code).toBe(1);
    expect(err).toMatch(/^turnpike: not paid: .+\n$/);
  });

  it('says what keeps it from reaching a server', async () => {
    answer = (_, res) => res.destroy();
    for (const env of [{}, { TURNPIKE_PAY_KEY: buyer.key }]) {
      const { code, err } = await pay([url, '--yes'], { env });
      expect(code).toBe(1);
      expect(err).toMatch(/^turnpike: cannot reach http:\/\/127\.0\.0\.1:\d+: .+\n$/);
    }
  });

  it('tells the reason of a refused payment', async () => {
    sell([requirement({ amount: '1' })], (res) => {
      const required = { x402Version: 2, error: 'insufficient_funds', resource: { url }, accepts: [requirement()] };
      res.writeHead(402, { 'PAYMENT-REQUIRED': encode(required) }).end('no');
    });
    const { code, out, err } = await pay([url, '--yes']);
    expect({ code, out }).toEqual({ code: 1, out: 'no' });
    expect(err).toContain('did not take the payment: insufficient_funds');
    expect(payments).toHaveLength(1);
  });

  it.each([
    ['an unresolved settlement', (res: ServerResponse) => res.writeHead(503).end()],
    ['a connection that breaks', (res: ServerResponse) => res.destroy()],
  ])('after %s, says how to send the same payment again, and does so', async (_, fail) => {
    sell([requirement({ amount: '1' })], fail);
    const { code, err } = await pay([url, '--yes']);
    expect(code).toBe(1);
    const again = /-H '(PAYMENT-SIGNATURE: [^']+)'/.exec(err)?.[1] ?? '';
    expect(again).toBe(`PAYMENT-SIGNATURE: ${payments[0]}`);
    const first = payments[0];
    sell([requirement({ amount: '1' })], settled);
    expect(await pay([url, '--yes', '-H', again])).toMatchObject({ code: 0, out: 'the thing' });
    expect(payments).toEqual([first]);
  });

  it('shows the payment of an answer that broke off, to collect it without paying again', async () => {
    sell([requirement({ amount: '1' })], (res) => {
      res.writeHead(200, { 'Content-Length': 100 }).write('half of ');
      setTimeout(() => res.destroy(), 50);
    });
    const { code, out, err } = await pay([url, '--yes']);
    expect({ code, out }).toEqual({ code: 1, out: 'half of ' });
    expect(err).toContain('Do not pay anew');
    expect(err).toContain(`-H 'PAYMENT-SIGNATURE: ${payments[0]}'`);
  });

  it('shows the payment when it is stopped before the answer came', async () => {
    const signals = new EventEmitter();
    sell([requirement({ amount: '1' })], () => void signals.emit('SIGINT'));
    const { code, err } = await pay([url, '--yes'], { signals });
    expect(code).toBe(1);
    expect(err).toContain('stopped before the answer came');
    expect(err).toContain(`-H 'PAYMENT-SIGNATURE: ${payments[0]}'`);
  });

  it('does not call a payment untaken that a server refuses without knowing', async () => {
    for (const error of ['settlement_pending', 'settlement_failed', 'invalid_exact_evm_nonce_already_used']) {
      sell([requirement({ amount: '1' })], (res) => {
        const required = { x402Version: 2, error, resource: { url }, accepts: [requirement({ amount: '1' })] };
        res.writeHead(402, { 'PAYMENT-REQUIRED': encode(required) }).end('{}');
      });
      const { code, err } = await pay([url, '--yes']);
      expect(code).toBe(1);
      expect(err).toContain(`The server says: ${error}\nThe payment was sent and may have been taken.`);
      expect(err).toContain(`-H 'PAYMENT-SIGNATURE: ${payments[0]}'`);
      expect(payments).toHaveLength(1);
    }
  });

  it('tells a failure before the settlement from one whose outcome is not known', async () => {
    const problem = { title: 'No facilitator could be reached.', status: 503, code: 'facilitator_unreachable' };
    const body = JSON.stringify(problem);
    sell([requirement({ amount: '1' })], (res) => {
      res.writeHead(503, { 'Content-Type': 'application/problem+json', 'Content-Length': body.length }).end(body);
    });
    const { code, out, err } = await pay([url, '--yes']);
    expect({ code, out }).toEqual({ code: 1, out: body });
    expect(err).toContain('status    503 Service Unavailable: No facilitator could be reached.');
    expect(err).toContain('Nothing was charged, the server says.');
    expect(err).toContain(`-H 'PAYMENT-SIGNATURE: ${payments[0]}'`);
  });

  it('says that an answer without a receipt was not charged', async () => {
    for (const status of [200, 404]) {
      sell([requirement({ amount: '1' })], (res) => res.writeHead(status).end('nothing'));
      const { code, err } = await pay([url, '--yes']);
      expect(code).toBe(status === 200 ? 0 : 1);
      expect(err).toContain('There is no receipt: as far as the server says, nothing was charged.');
    }
  });

  it('tells why a payment that is sent again was refused, and does not ask for a key', async () => {
    sell([], (res) => res.writeHead(402, { 'PAYMENT-REQUIRED': encode({ error: 'insufficient_funds' }) }).end());
    const { code, err } = await pay([url, '-H', 'PAYMENT-SIGNATURE: abc'], { env: {} });
    expect(code).toBe(1);
    expect(err).toContain('did not take the payment: insufficient_funds');
  });

  it('shows the pass that is offered and the token that was bought', async () => {
    sell([requirement({ amount: '1' })], (res) => {
      res.setHeader('X402-Access-Token', 'tpk_abc.def').setHeader('X402-Access-Expires', '2030-01-01T00:00:00Z');
      res.setHeader('X402-Access-Remaining', '3');
      settled(res);
    });
    const plain = answer;
    answer = (req, res) => {
      if (req.headers['payment-signature'] !== undefined) return plain(req, res);
      const extensions = { 'access-pass': { info: { scope: 'route:a', forSeconds: 3600, requests: 3 } } };
      const required = { x402Version: 2, error: '', resource: { url }, accepts: [requirement()], extensions };
      res.writeHead(402, { 'PAYMENT-REQUIRED': encode(required) }).end();
    };
    const { code, err } = await pay([url, '--yes', '--max', '$3']);
    expect(code).toBe(0);
    expect(err).toContain('buys      the answer and a pass: 3600 s, 3 requests');
    expect(err).toContain('pass      until 2030-01-01T00:00:00.000Z, 3 requests left; come back without paying with');
    expect(err).toContain("  -H 'X402-Access-Token: tpk_abc.def'");
  });

  it('escapes the text of a server so that it cannot overwrite the price', async () => {
    sell([requirement({ amount: '90000' })], settled, 'cheap\u001b[1A\r\nprice     0.01 USDC');
    const { err } = await pay([url], { typed: 'n\n' });
    expect(err).toContain('for       cheap\\u{1b}[1A\\u{d}\\u{a}price     0.01 USDC\n');
    expect(err.match(/^price .*/gm)).toEqual([expect.stringContaining('0.09 USDC')]);
  });

  it.each([
    ['an amount', { amount: '0x10' }],
    ['a token', { asset: "0x0'; reboot #" }],
    ['a payee', { payTo: 'me' }],
  ])('refuses an offer whose %s cannot be read', async (_, change) => {
    sell([requirement({ amount: '1', ...change })], settled);
    const { code, err } = await pay([url, '--yes']);
    expect(code).toBe(1);
    expect(err).not.toContain('reboot');
    expect(err).toContain('does not state a price that can be read');
    expect(payments).toHaveLength(0);
  });

  it('sends method, headers and body along, with the payment too', async () => {
    const seen: string[] = [];
    sell([requirement({ amount: '1' })], settled);
    const selling = answer;
    answer = async (req, res) => {
      const body = Buffer.concat(await req.toArray()).toString();
      seen.push(`${req.method} ${req.headers['x-job']} ${body}`);
      selling(req, res);
    };
    const { code } = await pay([url, '--yes', '-X', 'put', '-d', '{"a":1}', '-H', 'X-Job: 7']);
    expect(code).toBe(0);
    expect(seen).toEqual(['PUT 7 {"a":1}', 'PUT 7 {"a":1}']);
  });

  it('does not carry a payment where a redirect leads', async () => {
    const seen: (string | undefined)[] = [];
    answer = (req, res) => {
      seen.push(req.url);
      res.writeHead(302, { Location: '/elsewhere' }).end();
    };
    const { code, err } = await pay([url, '--yes']);
    expect(code).toBe(1);
    expect(err).toContain('The server sends to /elsewhere; redirects are not followed.');
    expect(seen).toEqual(['/thing']);
  });
});

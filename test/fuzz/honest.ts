import { once } from 'node:events';
import { Agent, type IncomingMessage, request } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Random } from '../crash/random.ts';
import { connectRaw } from '../support/raw-http.ts';
import type { Violations } from './violations.ts';
import type { Wallet } from './wallet.ts';

/** How long an honest request may take, in milliseconds, during all attacks. */
const DEADLINE_MS = 20_000;

/** Honest clients during the attacks: each of their requests must get the right answer in time. */
export class HonestClients {
  readonly counts = { free: 0, paid: 0, sockets: 0 };
  /** Milliseconds that each took; for the report. */
  readonly latencies: number[] = [];
  readonly #port: number;
  readonly #wallet: Wallet;
  readonly #random: Random;
  readonly #violations: Violations;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 16 });

  constructor(port: number, wallet: Wallet, random: Random, violations: Violations) {
    this.#port = port;
    this.#wallet = wallet;
    this.#random = random;
    this.#violations = violations;
  }

  /** Makes requests one after another until told to stop. */
  async goOn(isOver: () => boolean): Promise<void> {
    for (let number = 0; !isOver(); number += 1) {
      const startedAt = performance.now();
      const what = number % 4 === 3 ? 'paid' : number % 16 === 5 ? 'sockets' : 'free';
      try {
        await this.#one(what, number);
        this.counts[what] += 1;
      } catch (error) {
        this.#violations.add('an honest request is not served', `${what}: ${String(error)}`);
      }
      this.latencies.push(performance.now() - startedAt);
    }
  }

  close(): void {
    this.#agent.destroy();
  }

  async #one(what: 'free' | 'paid' | 'sockets', number: number): Promise<void> {
    switch (what) {
      case 'free':
        return await this.#free(number);
      case 'paid':
        return await this.#paid(number);
      case 'sockets':
        return await this.#socket(number);
    }
  }

  async #free(number: number): Promise<void> {
    const body = number % 2 === 0 ? 'x'.repeat(this.#random.between(1, 50_000)) : '';
    const method = body === '' ? 'GET' : 'POST';
    const { status, text } = await this.#ask(method, `/free/honest/${number}`, {}, body);
    expectSame(status, 200);
    expectSame(text, `free ${method} /free/honest/${number}\n${body}`);
  }

  async #paid(number: number): Promise<void> {
    const payment = await this.#wallet.sign();
    const path = this.#random.pick([
      '/after/h',
      '/before/h',
      '/deferred/h',
      '/posted',
      '/rewritten/h',
      '/based/h',
      '/mixed/@me',
    ]);
    const body = path === '/posted' ? `order ${number}` : '';
    const headers = { 'PAYMENT-SIGNATURE': payment.header };
    const { status, text, receipt } = await this.#ask(body === '' ? 'GET' : 'POST', path, headers, body);
    expectSame(status, 200);
    expectSame(text, `sold to ${payment.payer}\n${body}`);
    expectSame(receipt, true);
    expectSame(payment.calls, 1);
    if (path !== '/deferred/h') expectSame(payment.settled, 1);
  }

  async #socket(number: number): Promise<void> {
    const payment = number % 32 === 5 ? await this.#wallet.sign() : undefined;
    const peer = await connectRaw(this.#port);
    const timer = setTimeout(() => peer.socket.destroy(), DEADLINE_MS);
    const lines = ['Host: gw.test', 'Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13'];
    if (payment !== undefined) lines.push(`PAYMENT-SIGNATURE: ${payment.header}`);
    peer.send(`GET /socket/${payment === undefined ? 'free' : 'paid'} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`);
    const head = await peer.until('\r\n\r\n');
    expectSame(head.slice(0, 12), 'HTTP/1.1 101');
    peer.send(`frame ${number}.`);
    await peer.until(`frame ${number}.`);
    peer.socket.end();
    await peer.ended;
    clearTimeout(timer);
    peer.socket.destroy();
  }

  async #ask(
    method: string,
    path: string,
    headers: Record<string, string>,
    body: string,
  ): Promise<{ status: number; text: string; receipt: boolean }> {
    const signal = AbortSignal.timeout(DEADLINE_MS);
    const options = { port: this.#port, host: '127.0.0.1', method, path, agent: this.#agent, signal };
    const asked = request({ ...options, headers: { ...headers, Host: 'gw.test', 'Content-Length': body.length } });
    asked.end(body);
    const [response] = (await once(asked, 'response')) as [IncomingMessage & Duplex];
    let text = '';
    for await (const chunk of response.setEncoding('latin1')) text += chunk;
    return { status: response.statusCode ?? 0, text, receipt: response.headers['payment-response'] !== undefined };
  }
}

function expectSame(actual: unknown, expected: unknown): void {
  if (actual === expected) return;
  const show = (value: unknown): string => String(value).slice(0, 300);
  throw new Error(`expected ${show(expected)}, got ${show(actual)}`);
}

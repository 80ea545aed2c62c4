import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { DEVNET_ACCOUNTS } from '../../src/devnet/accounts.ts';

/*
 * Agents repeat calls that failed, broke off or took too long. A shop that plays such answers counts the payments.
 */

const BIN = fileURLToPath(new URL('../../bin/turnpike.js', import.meta.url));

let shop: Server;
let url: string;
let agent: Client;
/** Plays the answers to paid calls, the first one first. */
let answers: ((res: ServerResponse) => void)[];
let payments: string[];
let paidCall: () => void;

const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64');
const receipt = { success: true, transaction: '0xabc', network: 'eip155:84532', payer: DEVNET_ACCOUNTS.buyer.address };
const serve = (res: ServerResponse) =>
  res.writeHead(200, { 'PAYMENT-RESPONSE': encode(receipt), 'Content-Type': 'text/plain' }).end('the thing');

function askForMoney(res: ServerResponse, error = 'Payment required'): void {
  const requirement = {
    scheme: 'exact',
    network: 'eip155:84532',
    amount: '1',
    asset: '0x036CbD53842c5426634e7929541eC2318f3dCF7e',
    payTo: DEVNET_ACCOUNTS.payee.address,
    maxTimeoutSeconds: 60,
    extra: { name: 'USDC', version: '2' },
  };
  const required = { x402Version: 2, error, resource: { url }, accepts: [requirement] };
  res.writeHead(402, { 'PAYMENT-REQUIRED': encode(required) }).end('{}');
}

function refuse(status: number, headers: Record<string, string> = {}) {
  return (res: ServerResponse) => void res.writeHead(status, headers).end('no');
}

beforeAll(async () => {
  shop = createServer((req, res) => {
    const payment = req.headers['payment-signature'];
    if (typeof payment !== 'string') return askForMoney(res);
    payments.push(payment);
    paidCall();
    return (answers.shift() ?? serve)(res);
  }).listen(0, '127.0.0.1');
  await once(shop, 'listening');
  url = `http://127.0.0.1:${(shop.address() as AddressInfo).port}/thing`;
  agent = new Client({ name: 'test', version: '1' });
  await agent.connect(
    new StdioClientTransport({
      command: process.execPath,
      args: ['--conditions=development', BIN, 'mcp', new URL(url).origin],
      env: { TURNPIKE_PAY_KEY: DEVNET_ACCOUNTS.buyer.key },
      stderr: 'ignore',
    }),
  );
});
beforeEach(() => {
  [answers, payments, paidCall] = [[], [], () => {}];
});
afterAll(async () => {
  await agent.close();
  shop.close();
  shop.closeAllConnections();
});

/** `what` tells the calls of one test from those of another. */
async function buy(what: string): Promise<{ text: string; isError: boolean }> {
  const result = await agent.callTool({ name: 'pay', arguments: { url, method: 'POST', body: what } });
  const [content] = result.content as { text: string }[];
  return { text: content?.text ?? '', isError: result.isError === true };
}

describe('a call of turnpike mcp whose answer did not come', () => {
  it.each<[string, (res: ServerResponse) => void]>([
    ['was lost', (res) => res.destroy()],
    ['is in doubt', refuse(503)],
    ['is in progress', refuse(409, { 'Retry-After': '1' })],
    ['was refused by a server that does not know', (res) => askForMoney(res, 'settlement_pending')],
    [
      'was refused by a server of x402 v1 that does not know',
      (res) => {
        const body = JSON.stringify({ x402Version: 1, error: 'Settlement timed out', accepts: [] });
        res.writeHead(402, { 'Content-Type': 'application/json', 'Content-Length': body.length }).end(body);
      },
    ],
    [
      'broke off',
      (res) => {
        res.writeHead(200, { 'Content-Length': 100 }).write('half');
        setTimeout(() => res.destroy(), 50);
      },
    ],
  ])('because it %s is made again with the same payment', async (what, answer) => {
    answers = [answer];
    const first = await buy(what);
    expect(first.isError).toBe(true);
    expect(first.text).toContain('Make the same call again: the same payment goes with it');
    expect(first.text).toContain(`PAYMENT-SIGNATURE: ${payments[0]}`);
    const second = await buy(what);
    expect(second).toMatchObject({ isError: false, text: expect.stringContaining('the thing') });
    expect(payments).toEqual([payments[0], payments[0]]);
    // What was delivered is bought anew.
    await buy(what);
    expect(new Set(payments).size).toBe(2);
  });

  it('because the agent gave up is made again with the same payment', async () => {
    answers = [() => {}];
    const patience = new AbortController();
    paidCall = () => patience.abort();
    const given = { name: 'pay', arguments: { url, method: 'POST', body: 'given up' } };
    await expect(agent.callTool(given, undefined, { signal: patience.signal })).rejects.toThrow();
    expect(await buy('given up')).toMatchObject({ isError: false, text: expect.stringContaining('the thing') });
    expect(payments).toEqual([payments[0], payments[0]]);
  });

  it('is not paid anew while the server says that its payment is under way', async () => {
    const pending = (res: ServerResponse) => askForMoney(res, 'settlement_pending');
    answers = [pending, pending, pending];
    for (let call = 0; call < 3; call += 1)
      expect((await buy('pending')).text).toContain('Make the same call again: the same payment goes with it');
    expect((await buy('pending')).isError).toBe(false);
    expect([payments.length, new Set(payments).size]).toEqual([4, 1]);
  });

  it('is paid anew once its payment was refused, or used', async () => {
    for (const refusal of [(res: ServerResponse) => askForMoney(res, 'unexpected_settle_error'), refuse(409)]) {
      answers = [refuse(503), refusal];
      payments = [];
      const what = `refused ${answers.length} ${refusal.name}`;
      await buy(what);
      const second = await buy(what);
      expect(second.text).not.toContain('Make the same call again');
      expect((await buy(what)).isError).toBe(false);
      expect([payments.length, new Set(payments).size]).toEqual([3, 2]);
      expect(payments[0]).toBe(payments[1]);
    }
  });

  it('lends its payment to no other call', async () => {
    answers = [refuse(503)];
    await buy('one');
    await buy('another');
    expect(new Set(payments).size).toBe(2);
  });
});

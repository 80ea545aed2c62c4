import type { IncomingMessage, ServerResponse } from 'node:http';
import { generatePrivateKey } from 'viem/accounts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { challengeOf, settlementOf } from '../support/buyer.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { encodePayment, handSigned, type Requirement } from '../support/payment-header.ts';
import { type ScriptedFacilitator, startScriptedFacilitator } from '../support/scripted-facilitator.ts';
import { startUpstream, type TestUpstream } from '../support/upstream.ts';

/** `verify: alongside` over real connections: two servers that are slow, and each of them in turn. */

let facilitator: ScriptedFacilitator;
let upstream: TestUpstream;
let gateway: TestGateway;
let behaviour: (req: IncomingMessage, res: ServerResponse) => void;

beforeAll(async () => {
  facilitator = await startScriptedFacilitator();
  upstream = await startUpstream((req, res) => behaviour(req, res));
  gateway = await startTestGateway(`
upstream: ${upstream.url}
payTo: "0x209693Bc6afc0C5328bA36FaF03C514EF312287C"
accepts: [base-sepolia]
store: memory
facilitator: { url: "${facilitator.url}", rpc: off }
routes: [{ path: /*, price: $0.001, verify: alongside }]
`);
});

afterAll(async () => {
  await gateway.close();
  await Promise.all([facilitator.close(), upstream.close()]);
});

async function buy(): Promise<Response> {
  const url = `${gateway.url}/a`;
  const [accepted] = challengeOf(await fetch(url)).accepts;
  const signed = await handSigned(generatePrivateKey(), accepted as unknown as Requirement);
  return await fetch(url, { headers: { 'PAYMENT-SIGNATURE': encodePayment(signed) } });
}

describe('a call that is made while its payment is verified', () => {
  it('is at the API before the facilitator has answered, and is served after it has', async () => {
    const verdict = Promise.withResolvers<void>();
    facilitator.next('verify', { kind: 'hold', until: verdict.promise });
    behaviour = (_req, res) => {
      verdict.resolve();
      res.end('served');
    };
    const response = await buy();
    expect([response.status, await response.text()]).toEqual([200, 'served']);
    expect(settlementOf(response).success).toBe(true);
  });

  it('is broken off when the payment is refused, without waiting for a slow API', async () => {
    const open = new Set<IncomingMessage['socket']>();
    facilitator.next('verify', { kind: 'refuse', reason: 'insufficient_funds' });
    behaviour = ({ socket }) => {
      open.add(socket);
      socket.once('close', () => open.delete(socket));
    };
    const response = await buy();
    expect([response.status, response.headers.has('payment-required')]).toEqual([402, true]);
    expect(facilitator.requests.at(-1)?.endpoint).toBe('verify');
    await expect.poll(() => open.size).toBe(0);
  });
});

import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Answer } from '../../src/domain/answer.ts';
import { GatewayError } from '../../src/domain/gateway-error.ts';
import type { DoorKind } from '../../src/pipeline/door.ts';
import { serve } from '../../src/pipeline/serve.ts';
import { answered } from '../../src/pipeline/stages.ts';
import type { Transport } from '../../src/pipeline/transport.ts';
import { builtIn } from '../../src/registry.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { type ScriptedFacilitator, startScriptedFacilitator } from '../support/scripted-facilitator.ts';

/** A made-up door: the request is named in a header, and an open barrier is all that it gets. */

const OPEN: Answer = {
  status: 200,
  reason: undefined,
  headers: ['Content-Length', '0', 'Barrier', 'open'],
  body: undefined,
  encoding: 'latin1',
  dated: true,
};

const nobodyPays = async (): Promise<never> => {
  throw new Error('nobody pays here');
};

const barrier: Transport = {
  described(message) {
    const target = message.headers['barrier-path'];
    if (typeof target !== 'string') throw new GatewayError('request_malformed', { detail: 'Say where to.' });
    return { ...message, method: 'PUT', target };
  },
  serveFree: async () => answered('free', OPEN),
  servePreflight: async () => answered('preflight', OPEN),
  servePaid: nobodyPays,
  serveAdmitted: nobodyPays,
  collect: nobodyPays,
};

const barrierKind: DoorKind = {
  isFor: () => true,
  open: async () => ({ serve: (received, services) => serve(received, services, barrier) }),
};

let facilitator: ScriptedFacilitator;
let gateway: TestGateway;

beforeAll(async () => {
  facilitator = await startScriptedFacilitator();
  gateway = await startTestGateway(
    `upstream: http://127.0.0.1:1
payTo: "0x209693Bc6afc0C5328bA36FaF03C514EF312287C"
accepts: [base-sepolia]
store: memory
facilitator: { url: "${facilitator.url}" }
routes:
  - { path: /free, methods: [PUT], price: free }
  - { path: /priced, methods: [PUT], price: $0.01 }
`,
    { registry: { ...builtIn, doorKinds: [barrierKind] } },
  );
});
afterAll(async () => {
  await gateway.close();
  await facilitator.close();
});

const ask = (headers: Record<string, string>): Promise<Response> =>
  fetch(`${gateway.url}/whatever?x=1`, { method: 'POST', body: 'not of the request', headers });

describe('a door that the registry does not know', () => {
  it('answers in its own way what is free, and with the price what is not', async () => {
    const open = await ask({ 'Barrier-Path': '/free' });
    expect([open.status, open.headers.get('barrier')]).toEqual([200, 'open']);
    const closed = await ask({ 'Barrier-Path': '/priced' });
    expect([closed.status, closed.headers.has('payment-required')]).toEqual([402, true]);
    const seen = gateway.log.filter(({ path }) => path !== undefined).map(({ method, path }) => [method, path]);
    expect(seen).toEqual([
      ['PUT', '/free'],
      ['PUT', '/priced'],
    ]);
  });

  it('refuses a message that names no request', async () => {
    const refused = await ask({});
    expect([refused.status, await refused.json()]).toEqual([
      400,
      expect.objectContaining({ code: 'request_malformed', detail: 'Say where to.' }),
    ]);
  });

  it('gets a request to switch protocols without that wish', async () => {
    const socket = connect(Number(new URL(gateway.url).port), '127.0.0.1');
    socket.write(
      'GET / HTTP/1.1\r\nHost: a\r\nBarrier-Path: /free\r\nConnection: upgrade, close\r\nUpgrade: websocket\r\n' +
        'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
    );
    const answer = await text(socket);
    expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(answer).toMatch(/^Barrier: open\r$/m);
  });
});

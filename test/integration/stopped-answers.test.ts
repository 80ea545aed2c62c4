import type { IncomingMessage, ServerResponse } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PaymentState } from '../../src/domain/payment-state.ts';
import { openMemoryLedger } from '../../src/store/memory/memory-ledger.ts';
import { settlementOf, signFor } from '../support/buyer.ts';
import { type Devnet, freshPayer, type Payer, startDevnet } from '../support/devnet.ts';
import { type WatchedStore, watchStore } from '../support/faults/watched-store.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { settings } from '../support/settings.ts';
import { startUpstream, type TestUpstream } from '../support/upstream.ts';

/** The state of a payment whose buyer stops the answer, as in a chat. */

let devnet: Devnet;
let upstream: TestUpstream;
let gateway: TestGateway;
let watched: WatchedStore;
let buyer: Payer;
let behaviour: (req: IncomingMessage, res: ServerResponse) => void;

beforeAll(async () => {
  [devnet, upstream] = await Promise.all([startDevnet(), startUpstream((req, res) => behaviour(req, res))]);
  watched = watchStore(openMemoryLedger());
  const routes = `
routes:
  - { path: /after, name: after, price: $0.001 }
  - { path: /before, name: before, price: $0.001, settle: before }
  - { path: /deferred, name: deferred, price: $0.001, settle: deferred }
`;
  gateway = await startTestGateway(settings(devnet, upstream.url) + routes, { store: watched.store });
  buyer = await freshPayer(devnet);
});

afterAll(async () => {
  await gateway.close();
  await Promise.all([devnet.close(), upstream.close()]);
});

function isAt(state: PaymentState): (states: readonly PaymentState[]) => boolean {
  return (states) => states.at(-1) === state;
}

/** Pays, reads the beginning of the answer and leaves. */
async function stop(path: string, method: string): Promise<string> {
  const header = await signFor(devnet, buyer, gateway.url + path, { method });
  const leaving = new AbortController();
  const headers = { 'PAYMENT-SIGNATURE': header };
  const response = await fetch(gateway.url + path, { method, headers, signal: leaving.signal });
  const reader = response.body?.getReader();
  expect((await reader?.read())?.value?.byteLength).toBeGreaterThan(0);
  leaving.abort();
  return header;
}

function streamOneEvent(_req: IncomingMessage, res: ServerResponse): void {
  res.writeHead(200, { 'Content-Type': 'text/event-stream' });
  res.write('data: 1\n\n');
}

describe.each(['after', 'before', 'deferred'])('settle: %s, a POST whose answer the buyer stops', (mode) => {
  it('is delivered in part and needs no action', async ({ signal }) => {
    behaviour = streamOneEvent;
    const header = await stop(`/${mode}`, 'POST');
    await watched.until(mode, isAt('delivered_in_part'), signal);
    expect(await watched.rowOf(mode)).toMatchObject({ settlement: { amount: 1000n } });
    const again = await fetch(`${gateway.url}/${mode}`, { method: 'POST', headers: { 'PAYMENT-SIGNATURE': header } });
    expect(again.status).toBe(409);
    expect(again.headers.get('payment-required')).toBeNull();
    expect(settlementOf(again).success).toBe(true);
    expect(await again.json()).toMatchObject({ code: 'payment_already_used' });
  });
});

it('a GET whose answer the buyer stops can be collected again', async ({ signal }) => {
  behaviour = streamOneEvent;
  const header = await stop('/after', 'GET');
  await watched.until('after', isAt('undelivered'), signal);
  behaviour = (_req, res) => res.end('all of it');
  const again = await fetch(`${gateway.url}/after`, { headers: { 'PAYMENT-SIGNATURE': header } });
  expect(await again.text()).toBe('all of it');
});

it('an answer that the API breaks off still needs action', async ({ signal }) => {
  behaviour = (_req, res) => {
    res.writeHead(200, { 'Content-Type': 'text/event-stream' });
    res.write('data: 1\n\n', () => res.destroy());
  };
  const header = await signFor(devnet, buyer, `${gateway.url}/after`, { method: 'POST' });
  const response = await fetch(`${gateway.url}/after`, { method: 'POST', headers: { 'PAYMENT-SIGNATURE': header } });
  await expect(response.text()).rejects.toThrow();
  await watched.until('after', isAt('delivery_unknown'), signal);
});

import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { request as httpRequest, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generatePrivateKey } from 'viem/accounts';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { openSqliteLedger } from '../../src/store/sqlite/sqlite-ledger.ts';
import { stockFetch } from '../support/buyer.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { type ScriptedFacilitator, startScriptedFacilitator } from '../support/scripted-facilitator.ts';
import { startUpstream, type TestUpstream } from '../support/upstream.ts';

let folder: string;
let facilitator: ScriptedFacilitator;
let upstream: TestUpstream;
let gateway: TestGateway;
/** Answers of the API that have not begun. */
let waiting: ServerResponse[];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'turnpike-cut-'));
  waiting = [];
  [facilitator, upstream] = await Promise.all([
    startScriptedFacilitator(),
    startUpstream((_req, res) => void waiting.push(res)),
  ]);
  gateway = await startTestGateway(
    [
      `upstream: ${upstream.url}`,
      'payTo: "0x209693Bc6afc0C5328bA36FaF03C514EF312287C"',
      'accepts: [base-sepolia]',
      `store: sqlite:${join(folder, 'ledger.db')}`,
      `facilitator: ${facilitator.url}`,
      'routes:',
      '  - { path: /free, price: free }',
      '  - { path: /paid, price: $0.01, settle: before }',
      '',
    ].join('\n'),
  );
});

afterEach(async () => {
  for (const res of waiting) res.destroy();
  await gateway.close(0);
  await Promise.all([facilitator.close(), upstream.close()]);
  rmSync(folder, { recursive: true, force: true });
});

async function answerOfApi(): Promise<ServerResponse> {
  return await vi.waitFor(() => {
    const [res] = waiting;
    if (res === undefined) throw new Error('the API was not asked yet');
    return res;
  });
}

function lineOf(path: string) {
  return gateway.log.findLast((line) => line['path'] === path && 'outcome' in line);
}

const CUT = {
  outcome: 'failed',
  code: 'shutting_down',
  cause: expect.stringContaining('The gateway closed the connection at the end of drainTimeout'),
};

describe('a request that the end of a drain cuts', () => {
  it.each([
    ['before its answer began, with the status that it would have got', false, 503],
    ['in its answer, with the status that it got', true, 200],
  ])('is logged as cut by the gateway: %s', async (_, began, status) => {
    const asked = fetch(`${gateway.url}/free`).then((response) => response.text());
    asked.catch(() => {});
    const res = await answerOfApi();
    if (began) {
      res.write('the first half');
      await vi.waitFor(() => expect(res.writableLength).toBe(0));
    }
    await gateway.close(100);
    await expect(asked).rejects.toThrow();
    expect(lineOf('/free')).toMatchObject({ ...CUT, status });
  });

  it('is logged in the same way where it asks for a WebSocket', async () => {
    const headers = {
      Connection: 'Upgrade',
      Upgrade: 'websocket',
      'Sec-WebSocket-Version': '13',
      'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
    };
    const call = httpRequest(`${gateway.url}/free`, { headers }).end();
    const cut = once(call, 'error');
    await answerOfApi();
    await gateway.close(100);
    await cut;
    expect(lineOf('/free')).toMatchObject({ ...CUT, status: 503 });
  });

  it('leaves a paid call that cannot be repeated to be looked at: its buyer did not leave', async () => {
    const asked = stockFetch(generatePrivateKey())(`${gateway.url}/paid`, { method: 'POST' }).then((r) => r.text());
    asked.catch(() => {});
    const res = await answerOfApi();
    res.write('the first half');
    await vi.waitFor(() => expect(res.writableLength).toBe(0));
    await gateway.close(100);
    await expect(asked).rejects.toThrow();
    const ledger = await openSqliteLedger(join(folder, 'ledger.db'));
    expect(await ledger.list({}, undefined, 10)).toMatchObject([
      { state: 'delivery_unknown', reason: 'the gateway was stopped during delivery' },
    ]);
    await ledger.close();
  });

  it('is not what is logged of a client that left before', async () => {
    const leaving = new AbortController();
    const asked = fetch(`${gateway.url}/free`, { signal: leaving.signal });
    await answerOfApi();
    leaving.abort();
    await expect(asked).rejects.toThrow();
    await vi.waitFor(() => expect(lineOf('/free')).toMatchObject({ outcome: 'client_gone', status: 499 }));
    await gateway.close(0);
    expect(lineOf('/free')).toMatchObject({ outcome: 'client_gone', status: 499 });
  });
});

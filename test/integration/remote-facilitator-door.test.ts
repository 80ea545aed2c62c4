import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { settlementOf, signFor } from '../support/buyer.ts';
import { type Devnet, freshPayer, startDevnet } from '../support/devnet.ts';
import { startTestGateway } from '../support/gateway.ts';
import { type OfficialFacilitator, startOfficialFacilitator } from '../support/official-facilitator.ts';
import { settings } from '../support/settings.ts';
import { startUpstream, type TestUpstream } from '../support/upstream.ts';

/*
 * A facilitator that settles, and whose answer is replaced by a refusal: by a firewall in front of it, a limit on its
 * way back, a key that has just run out.
 */

const ROUTES = `
routes:
  - { path: /after, price: $0.001 }
  - { path: /before, price: $0.001, settle: before }
  - { path: /credit, price: $0.001, settle: deferred }
`;

let devnet: Devnet;
let upstream: TestUpstream;
let official: OfficialFacilitator;

beforeAll(async () => {
  [devnet, upstream] = await Promise.all([startDevnet(), startUpstream((_req, res) => res.end('served'))]);
  official = await startOfficialFacilitator({ rpcUrl: devnet.rpcUrl, key: devnet.accounts.settler.key });
});

afterAll(async () => {
  await official.close();
  await Promise.all([devnet.close(), upstream.close()]);
});

/** What stands in front of the facilitator. */
interface Front {
  readonly url: string;
  close(): void;
}

/** @param text the refusal's body for a transaction that was sent */
async function startFront(status: number, text: (transaction: string) => string): Promise<Front> {
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = chunks.length === 0 ? {} : { method: 'POST', body: Buffer.concat(chunks) };
    const answer = await fetch(`${official.url}${request.url}`, body);
    const told = await answer.text();
    if (request.url !== '/settle') response.writeHead(answer.status).end(told);
    else response.writeHead(status).end(text(JSON.parse(told).transaction));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

async function open(front: Front, rpc: string) {
  const text = `${settings(devnet, upstream.url, { kind: 'remote', url: front.url })}  rpc: ${rpc}\n${ROUTES}`;
  const gateway = await startTestGateway(text);
  const payer = await freshPayer(devnet);
  const funds = await devnet.usdcBalanceOf(payer.address);
  return {
    gateway,
    paid: async () => funds - (await devnet.usdcBalanceOf(payer.address)),
    signed: async (path: string) => {
      const header = await signFor(devnet, payer, gateway.url + path);
      return () => fetch(gateway.url + path, { headers: { 'PAYMENT-SIGNATURE': header } });
    },
  };
}

describe.each([403, 429])('a facilitator that settles and seems to refuse at its door with %i', (status) => {
  it.each(['/after', '/before'])('is not believed against a node: the buyer of %s is served at once', async (path) => {
    const front = await startFront(status, () => 'blocked');
    const { gateway, paid, signed } = await open(front, `{ base-sepolia: "${devnet.rpcUrl}" }`);
    const ask = await signed(path);
    const answer = await ask();
    expect([answer.status, await answer.text()]).toEqual([200, 'served']);
    expect(settlementOf(answer).success).toBe(true);
    expect((await ask()).status).toBe(409);
    expect(await paid()).toBe(1000n);
    await gateway.close();
    front.close();
  });

  it('is not believed when it names the transaction, without a node: no offer while that is in doubt', async () => {
    const front = await startFront(status, (transaction) => JSON.stringify({ error: 'limit', txHash: transaction }));
    const { gateway, paid, signed } = await open(front, 'off');
    const ask = await signed('/after');
    const answer = await ask();
    expect(answer.status).toBe(503);
    expect(await answer.json()).toMatchObject({ code: 'settlement_unknown' });
    expect(answer.headers.has('payment-required')).toBe(false);
    for (let time = 0; time < 3; time += 1) expect((await ask()).headers.has('payment-required')).toBe(false);
    expect(await paid()).toBe(1000n);
    await gateway.close();
    front.close();
  });
});

it('a debt that is settled behind a refusal at the door is paid, and not owed', async () => {
  const front = await startFront(403, () => 'blocked');
  const { gateway, paid, signed } = await open(front, `{ base-sepolia: "${devnet.rpcUrl}" }`);
  const ask = await signed('/credit');
  expect((await ask()).status).toBe(200);
  await expect.poll(async () => settlementIn(await ask()), { timeout: 20_000 }).toBe(true);
  expect(await paid()).toBe(1000n);
  await gateway.close();
  front.close();
});

/** Whether an answer says that the money moved. */
function settlementIn(answer: Response): boolean {
  return answer.headers.has('payment-response') && settlementOf(answer).success;
}

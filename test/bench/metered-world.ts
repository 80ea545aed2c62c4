import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { startGatewayProcess } from '../support/gateway-process.ts';

/*
 * The API and the facilitator of `test/bench/metered.ts`, in its own process: both sides of each comparison have the same.
 */

const FACILITATOR = `0x${'0f'.repeat(20)}`;
const TRANSACTION = `0x${'ab'.repeat(32)}`;
const CHUNK = { object: 'chat.completion.chunk', model: 'm', usage: null };
const USAGE = { prompt_tokens: 1_000, completion_tokens: 200, total_tokens: 1_200 };

const WHOLE = JSON.stringify({
  id: 'chatcmpl-1',
  object: 'chat.completion',
  model: 'm',
  choices: [{ index: 0, message: { role: 'assistant', content: 'Eight legs, or none at all. '.repeat(40) } }],
  usage: USAGE,
});

const event = (value: object): string => `data: ${JSON.stringify(value)}\n\n`;
const FIRST = event({ ...CHUNK, choices: [{ index: 0, delta: { content: 'Eight' } }] });
const REST = `${FIRST.repeat(40)}${event({ ...CHUNK, choices: [], usage: USAGE })}data: [DONE]\n\n`;

/** Bytes of the long stream. */
export const LONG_BYTES = 1024 ** 3;
/** Events of the size that models send, together some 64 KB. */
const BLOCK = Buffer.from(FIRST.repeat(Math.ceil(65_536 / FIRST.length)));

/** Routes that are alike but for how they are paid. The first half is metered, the other has fixed prices. */
export const ROUTES = `  - { path: /metered/*, price: { upTo: $0.05, meter: openai, rates: { input: $1/1M, output: $2/1M } } }
  - { path: /plain/*, price: $0.0014 }
  - { path: /credit/*, price: $0.0014, settle: deferred }
`;

/** A gateway in front of both, and what ends all of it. */
export interface MeteredWorld {
  readonly url: string;
  readonly pid: number;
  close(): Promise<void>;
}

/** Starts an API, a facilitator that agrees at once, and a gateway. */
export async function openMeteredWorld(store: 'memory' | 'sqlite'): Promise<MeteredWorld> {
  const [api, facilitator] = [await listen(answerCall), await listen(agree)];
  const folder = mkdtempSync(join(tmpdir(), 'metered-bench-'));
  const gateway = startGatewayProcess(
    folder,
    `listen: 127.0.0.1:0
admin: 127.0.0.1:0
drainDelay: 0s
upstream: ${api.url}
payTo: "0x209693Bc6afc0C5328bA36FaF03C514EF312287C"
accepts: [base-sepolia]
facilitator: { url: "${facilitator.url}", rpc: off }
store: ${store === 'memory' ? store : `sqlite:${join(folder, 'ledger.db')}`}
deferred: { maxUnsettled: 9000, maxUnsettledPerPayer: 9000 }
routes:
${ROUTES}`,
  );
  const { url } = await gateway.ready;
  return {
    url,
    pid: gateway.pid ?? 0,
    async close() {
      gateway.kill('SIGKILL');
      await gateway.ended;
      await Promise.all([api.close(), facilitator.close()]);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function answerCall(request: IncomingMessage, response: ServerResponse): Promise<void> {
  await text(request);
  if (request.url?.endsWith('/json') === true) {
    response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(WHOLE) });
    response.end(WHOLE);
    return;
  }
  response.writeHead(200, { 'Content-Type': 'text/event-stream' });
  if (request.url?.endsWith('/long') === true) {
    for (let sent = 0; sent < LONG_BYTES; sent += BLOCK.length) {
      if (!response.write(BLOCK)) await once(response, 'drain');
    }
    response.end(REST);
    return;
  }
  response.write(FIRST);
  // The model goes on when the first event has long been on its way.
  setTimeout(() => response.end(REST), 10);
}

async function agree(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = await text(request);
  const answer = JSON.stringify(answerOf(request.url ?? '', body));
  response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(answer) });
  response.end(answer);
}

function answerOf(path: string, body: string): object {
  const network = 'eip155:84532';
  switch (path) {
    case '/supported': {
      const upto = { x402Version: 2, scheme: 'upto', network, extra: { facilitatorAddress: FACILITATOR } };
      return { kinds: [{ x402Version: 2, scheme: 'exact', network }, upto], extensions: [], signers: {} };
    }
    case '/verify':
      return { isValid: true };
    default: {
      const { paymentRequirements }: { paymentRequirements: { amount: string } } = JSON.parse(body);
      return { success: true, transaction: TRANSACTION, network, amount: paymentRequirements.amount };
    }
  }
}

async function listen(serve: (...args: Parameters<RequestListener>) => Promise<void>) {
  const server = createServer({ keepAliveTimeout: 65_000 }, (request, response) => {
    // A client that goes away ends its own answer only.
    serve(request, response).catch(() => response.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

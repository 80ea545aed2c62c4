import { createServer, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { type LocalServer, listenHere } from './local-server.ts';

/** The network that it says to serve, in CAIP-2: Arbitrum Sepolia, which nothing here reaches. */
const NETWORK = 'eip155:421614';
/** The path of the one payment that it takes without an answer. */
export const UNANSWERED_PATH = '/v1/archive/1999';

/**
 * Starts a facilitator of another network that is in trouble. It verifies every payment as valid and settles none,
 * because no account has money on a chain that does not exist. It takes one payment without an answer, and answers from
 * then on that it is still waiting, so that it stays unknown whether the money moved.
 */
export async function startTroubledFacilitator(): Promise<LocalServer> {
  let isTaken = false;
  const server = createServer(async (req, res) => {
    const asked = await text(req).catch(() => '');
    const isUnanswered = req.url === '/settle' && asked.includes(UNANSWERED_PATH);
    if (isUnanswered && !isTaken) isTaken = true;
    else answer(req.url, asked, res);
  });
  return await listenHere(server);
}

function answer(path: string | undefined, asked: string, res: ServerResponse): void {
  switch (path) {
    case '/supported':
      send(res, { kinds: [{ x402Version: 2, scheme: 'exact', network: NETWORK }], extensions: [], signers: {} });
      return;
    case '/verify':
      send(res, { isValid: true, payer: payerOf(asked) });
      return;
    case '/settle':
      send(res, { success: false, errorReason: reasonFor(asked), transaction: '', network: NETWORK });
      return;
    default:
      res.writeHead(404).end();
  }
}

function reasonFor(asked: string): string {
  return asked.includes(UNANSWERED_PATH) ? 'settlement_pending' : 'insufficient_funds';
}

function payerOf(asked: string): string | undefined {
  return /"from":"(0x[0-9a-fA-F]{40})"/.exec(asked)?.[1];
}

function send(res: ServerResponse, value: object): void {
  res.writeHead(200, { 'Content-Type': 'application/json' });
  res.end(JSON.stringify(value));
}

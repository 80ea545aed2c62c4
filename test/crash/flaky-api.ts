import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { setTimeout as wait } from 'node:timers/promises';
import type { CallBehaviour, Purchase } from './schedule.ts';
import type { Timeline } from './timeline.ts';

/** The header in which buyers tell the API what they buy. */
export const PURCHASE_HEADER = 'x-purchase';
/** The header in which each life of the gateway tells the API its number: a call may arrive after the kill of its maker. */
export const LIFE_HEADER = 'x-life';

/** One call that reached the API. */
export interface ApiCall {
  readonly tick: number;
  /** Which life of the gateway made it. */
  readonly life: number;
  readonly purchase: string;
  /** The payer as the gateway states it, lower case. */
  readonly payer: string;
  readonly method: string;
  readonly behaviour: CallBehaviour['kind'];
  /** Whether the whole answer was handed to the connection. */
  answered: boolean;
}

/** An API that fails as the schedule of its purchases says. */
export interface FlakyApi {
  readonly url: string;
  readonly calls: readonly ApiCall[];
  /** Called with each call when it arrives. */
  onCall: () => void;
  close(): Promise<void>;
}

/** Starts the API for the purchases of a schedule. */
export async function startFlakyApi(purchases: readonly Purchase[], timeline: Timeline): Promise<FlakyApi> {
  const byId = new Map(purchases.map((purchase) => [purchase.id, purchase]));
  const calls: ApiCall[] = [];
  const told = { onCall: (): void => {} };
  const serve = async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    const body = await text(req);
    const purchase = byId.get(String(req.headers[PURCHASE_HEADER]));
    if (purchase === undefined) throw new Error('a call for no purchase');
    const earlier = calls.filter((call) => call.purchase === purchase.id).length;
    const behaviour = purchase.calls[earlier] ?? { kind: 'answer' };
    const call: ApiCall = {
      tick: timeline.tick(),
      life: Number(req.headers[LIFE_HEADER]),
      purchase: purchase.id,
      payer: String(req.headers['x402-payer']).toLowerCase(),
      method: req.method ?? '',
      behaviour: behaviour.kind,
      answered: false,
    };
    calls.push(call);
    told.onCall();
    res.once('finish', () => {
      call.answered = behaviour.kind !== 'break';
    });
    await behave(behaviour, res, answerOf(purchase, body));
  };
  const server = createServer((req, res) => void serve(req, res).catch(() => res.destroy()));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the API has no port');
  return Object.assign(told, {
    url: `http://127.0.0.1:${address.port}`,
    calls,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  });
}

/** The whole answer to a purchase: it names what was bought and what was sent, so that a wrong answer is noticed. */
export function answerOf({ id, padding }: Purchase, requestBody: string): string {
  const sent = createHash('sha256').update(requestBody).digest('hex');
  return JSON.stringify({ id, sent, padding: 'x'.repeat(padding) });
}

async function behave(behaviour: CallBehaviour, res: ServerResponse, body: string): Promise<void> {
  switch (behaviour.kind) {
    case 'slow':
      await wait(behaviour.ms);
      res.end(body);
      return;
    case 'answer':
      // With its length: an incomplete body cannot be taken for a complete one.
      res.writeHead(200, { 'Content-Length': Buffer.byteLength(body) }).end(body);
      return;
    case 'fail':
      res.writeHead(500).end('the API is out of order');
      return;
    case 'break':
      res.writeHead(200, { 'Content-Length': Buffer.byteLength(body) });
      res.write(body.slice(0, body.length / 2), () => res.destroy());
      return;
    case 'refuse':
      res.destroy();
      return;
    case 'hang':
      return;
  }
}

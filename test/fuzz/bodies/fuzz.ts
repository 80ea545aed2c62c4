import type { IncomingMessage, ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { decodePaymentRequiredHeader } from '@x402/core/http';
import { Agent, type Dispatcher } from 'undici';
import { Random } from '../../crash/random.ts';
import { startTestGateway } from '../../support/gateway.ts';
import { startUpstream } from '../../support/upstream.ts';
import { type BodyCase, makeBody } from './make-body.ts';
import { priceOf, ROUTES, UNPRICED } from './price-table.ts';
import { Readers, type Readings } from './readings.ts';

/** The options of a run. */
export interface BodyFuzzTerms {
  readonly seed: number;
  /** How long, in milliseconds; it ends after a whole round. */
  readonly ms: number;
  readonly progress: (line: string) => void;
}

/** The result of a run. */
export interface BodyFuzzResult {
  readonly cases: number;
  readonly readers: readonly string[];
  /** How many answers had each status. */
  readonly statuses: Readonly<Record<string, number>>;
  /** The violations, one line each, up to {@link MOST_SHOWN}. */
  readonly violations: readonly string[];
}

const MOST_SHOWN = 20;
/** Requests at once. */
const ROUND = 64;
const PROGRESS_MS = 30_000;

/** What a client got. */
interface Got {
  readonly status: number;
  /** What the 402 asks for, in atomic units. */
  readonly amount: number | undefined;
}

/**
 * Sends bodies to a gateway whose prices they decide, and compares its reading with that of JSON readers: what
 * reaches the API costs no reader more than was asked for, and is what was sent, byte for byte.
 */
export async function fuzzBodies({ seed, ms, progress }: BodyFuzzTerms): Promise<BodyFuzzResult> {
  const random = new Random(seed);
  const arrived = new Map<string, Buffer>();
  const api = async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    const bytes = await buffer(req);
    arrived.set(String(req.headers['x-case']), bytes);
    res.end('served');
  };
  // On a busy machine a round can take longer than connections are kept, and one that closes as it is written to is a 502.
  const upstream = await startUpstream((req, res) => void api(req, res), 0);
  const gateway = await startTestGateway(settingsFor(upstream.url));
  const readers = await Readers.open();
  const agent = new Agent({ connections: ROUND });
  const statuses: Record<string, number> = {};
  const violations: string[] = [];
  let cases = 0;
  try {
    const end = Date.now() + ms;
    let next = Date.now() + PROGRESS_MS;
    while (Date.now() < end && violations.length < MOST_SHOWN) {
      const round = Array.from({ length: ROUND }, () => makeBody(random));
      await Promise.all(
        round.map(async (made, index) => {
          const id = String(cases + index);
          const got = await send(agent, gateway.url, made, id);
          const readings = await readers.read(made.bytes, made.contentType);
          const wrong = whatIsWrong(made, got, arrived.get(id), readings);
          arrived.delete(id);
          statuses[got.status] = (statuses[got.status] ?? 0) + 1;
          if (wrong !== undefined) violations.push(`case ${id}: ${wrong}: ${shown(made)}`);
        }),
      );
      cases += ROUND;
      if (Date.now() < next) continue;
      progress(`${cases} bodies, ${JSON.stringify(statuses)}, ${violations.length} violations`);
      next = Date.now() + PROGRESS_MS;
    }
  } finally {
    readers.close();
    await agent.destroy();
    await gateway.close();
    await upstream.close();
  }
  return { cases, readers: readers.names, statuses, violations: violations.slice(0, MOST_SHOWN) };
}

/** No request pays: no facilitator is ever asked. */
function settingsFor(upstreamUrl: string): string {
  return `upstream: ${upstreamUrl}
payTo: "0x209693Bc6afc0C5328bA36FaF03C514EF312287C"
accepts: [base-sepolia]
facilitator: { url: "http://127.0.0.1:9" }
store: memory
limits: { pricedBodyBytes: 4KB, connectionsPerAddress: 10000 }
routes:${ROUTES}`;
}

async function send(agent: Dispatcher, origin: string, made: BodyCase, id: string): Promise<Got> {
  const { kind, bytes, contentType, contentEncoding } = made;
  const { statusCode, headers, body } = await agent.request({
    origin,
    path: `/${kind}`,
    method: 'POST',
    headers: {
      'X-Case': id,
      ...(contentType !== '' && { 'Content-Type': contentType }),
      ...(contentEncoding !== undefined && { 'Content-Encoding': contentEncoding }),
    },
    body: bytes,
  });
  await body.dump();
  const required = headers['payment-required'];
  const [offer] = typeof required === 'string' ? decodePaymentRequiredHeader(required).accepts : [];
  return { status: statusCode, amount: offer === undefined ? undefined : Number(offer.amount) };
}

/** The violation; `undefined` where there is none. */
function whatIsWrong(made: BodyCase, got: Got, arrived: Buffer | undefined, readings: Readings): string | undefined {
  const { kind, bytes, honest } = made;
  const { status, amount } = got;
  const paid = status === 200 ? 0 : amount;
  if (![200, 400, 402, 413].includes(status)) return `it got ${status}`;
  if (honest !== undefined && paid !== honest) return `an honest body of ${honest} got ${status} and ${amount}`;
  if ((status === 200) !== (arrived !== undefined))
    return `it got ${status} and ${arrived ? 'reached' : 'did not reach'} the API`;
  if (arrived !== undefined && !arrived.equals(bytes)) return 'its bytes were changed on the way';
  // Probes without a body see the dearest price.
  if (paid === undefined || bytes.length === 0) return undefined;
  if (readings.strict === undefined) return `no strict reader takes it, and it costs ${paid}`;
  for (const value of [readings.strict.value, ...readings.all]) {
    const price = priceOf(kind, value);
    if (price > paid)
      return `it costs ${paid}, and ${price === UNPRICED ? 'has no price' : price} as ${JSON.stringify(value)}`;
  }
  return undefined;
}

function shown({ kind, bytes, contentType, contentEncoding }: BodyCase): string {
  const encoding = contentEncoding === undefined ? '' : `, Content-Encoding ${contentEncoding}`;
  return `${kind}, ${contentType}${encoding}, ${JSON.stringify(bytes.toString('latin1').slice(0, 600))}`;
}

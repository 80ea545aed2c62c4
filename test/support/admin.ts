import { request } from 'node:http';
import type { Amount } from '../../src/domain/amount.ts';
import type { Network } from '../../src/domain/network.ts';
import type { PaymentClaim } from '../../src/domain/payment-record.ts';
import type { PaymentState } from '../../src/domain/payment-state.ts';
import { encodeUsage } from '../../src/domain/usage.ts';
import type { PaymentStore } from '../../src/store/payment-store.ts';
import { paymentClaim, SETTLEMENT, stepTo } from '../contract/ledger-scene.ts';

/** A token that is long enough. */
export const ADMIN_TOKEN = 'let-me-in-let-me-in-let-me-in-42';
/** The line that gives a test gateway its admin page, with that token. */
export function adminWithToken(): string {
  return `admin: {listen: 127.0.0.1:0, token: ${ADMIN_TOKEN}}\n`;
}

/** USDC on Base Sepolia. */
export const USDC = '0x036CbD53842c5426634e7929541eC2318f3dCF7e';

/** An answer of the admin listener. */
export interface AdminAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

/** What a request is made of besides its path. */
export interface AdminRequest {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** Sends a request as it is given: no client in between that corrects paths or adds headers. */
export async function askAdmin(url: string | undefined, path: string, given: AdminRequest = {}): Promise<AdminAnswer> {
  if (url === undefined) throw new Error('there is no admin listener');
  const { hostname, port } = new URL(url);
  return await new Promise((resolve, reject) => {
    const { method = 'GET', headers = {}, body } = given;
    const sent = request({ host: hostname, port, path, method, headers, agent: false }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.once('error', reject);
      answer.once('end', () =>
        resolve({
          status: answer.statusCode ?? 0,
          headers: answer.headers,
          text: Buffer.concat(chunks).toString('utf8'),
        }),
      );
    });
    sent.once('error', reject);
    sent.end(body);
  });
}

/** Headers of the page's own script. */
export function asOwner(more: Readonly<Record<string, string>> = {}): Readonly<Record<string, string>> {
  return { Authorization: `Bearer ${ADMIN_TOKEN}`, ...more };
}

/** A call that changes something, as the page makes it. @param more other headers; one that is empty is not sent */
export function acting(body: object, more: Readonly<Record<string, string>> = {}): AdminRequest {
  const all = asOwner({ 'Content-Type': 'application/json', 'Sec-Fetch-Site': 'same-origin', ...more });
  const headers = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== ''));
  return { method: 'POST', headers, body: JSON.stringify(body) };
}

/** Reads JSON of an answer that has to be a good one. */
export async function readAdmin(url: string | undefined, path: string, given: AdminRequest = { headers: asOwner() }) {
  const answer = await askAdmin(url, path, given);
  if (answer.status !== 200) throw new Error(`${path}: ${answer.status} ${answer.text}`);
  return JSON.parse(answer.text);
}

/** Puts a call into a ledger that was charged by what it used: two kinds of tokens, of `maximum` atomic units at most. */
export async function putMeteredPayment(
  store: PaymentStore,
  { maximum = 50_000n, amount, model, ...more }: MeteredCall,
): Promise<string> {
  const claim = claimOf({ amount: maximum, ...more });
  const usage = encodeUsage({
    meter: 'openai',
    model,
    figures: new Map([
      ['input', { digits: 1_808n, scale: 0 }],
      ['output', { digits: 12n, scale: 0 }],
    ]),
    stated: undefined,
    missing: undefined,
    guessed: false,
    end: 'complete',
    rates: new Map([
      ['input', '$2.50/1M'],
      ['output', '$10/1M'],
    ]),
    min: '0',
  });
  const { record } = await store.claim(claim);
  const charge = amount as Amount;
  await store.transition(claim.key, record.epoch, { to: 'settling', usage, asked: charge });
  const settlement = { ...SETTLEMENT, amount: charge };
  await store.transition(claim.key, record.epoch + 1, { to: 'delivered', settlement });
  return claim.key;
}

/** A call by use, and what of it a test needs to be its own. */
type MeteredCall = Omit<Partial<PaymentClaim>, 'amount'> & {
  readonly name: string;
  readonly model: string | undefined;
  readonly maximum?: bigint;
  /** What was charged, in atomic units. */
  readonly amount: bigint;
};

function claimOf({
  amount,
  ...more
}: Omit<Partial<PaymentClaim>, 'amount'> & { name: string; amount: bigint }): PaymentClaim {
  return paymentClaim({ asset: USDC, network: 'eip155:84532' as Network, amount: amount as Amount, ...more });
}

/** Puts a payment into a ledger in USDC on Base Sepolia, in a state that a way of steps leads to. */
export async function putPayment(
  store: PaymentStore,
  { name, amount = 10_000n, ...more }: Omit<Partial<PaymentClaim>, 'amount'> & { name: string; amount?: bigint },
  ...way: readonly PaymentState[]
): Promise<string> {
  const claim = claimOf({ name, amount, ...more });
  const taken = await store.claim(claim);
  if (taken.kind !== 'claimed') throw new Error(`${name} is taken`);
  let { epoch } = taken.record;
  for (const to of way) {
    const step = stepTo(to);
    const { settlement } = step;
    const exact = settlement && { ...settlement, amount: amount as Amount };
    const moved = await store.transition(claim.key, epoch, exact === undefined ? step : { ...step, settlement: exact });
    if (moved.kind !== 'moved') throw new Error(`${name} did not go to ${to}`);
    epoch = moved.record.epoch;
  }
  return claim.key;
}

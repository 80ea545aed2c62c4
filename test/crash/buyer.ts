import { setTimeout as wait } from 'node:timers/promises';
import { decodePaymentRequiredHeader } from '@x402/core/http';
import type { Hex } from 'viem';
import { encodePayment, handSigned, type Requirement } from '../support/payment-header.ts';
import { type Answer, ask } from './ask.ts';
import { answerOf, PURCHASE_HEADER } from './flaky-api.ts';
import type { Purchase } from './schedule.ts';
import type { Timeline } from './timeline.ts';

/** The result of one request of a buyer. */
export type AttemptEnd =
  /** The connection broke, or was refused. */
  | { readonly kind: 'lost' }
  /** The buyer closed it. */
  | { readonly kind: 'left' }
  /** The whole answer that was bought. */
  | { readonly kind: 'served' }
  | { readonly kind: 'refused'; readonly status: number; readonly code: string | undefined }
  /** An offer: a stock client would sign a new payment now. */
  | { readonly kind: 'offer'; readonly reason: string }
  /** An answer that a gateway must not give here. */
  | { readonly kind: 'odd'; readonly what: string };

/** One request with a payment. */
export interface Attempt {
  readonly life: number;
  readonly tick: number;
  readonly end: AttemptEnd;
}

/** Why a buyer stopped asking. */
export type Conclusion = 'served' | 'delivery_unknown' | 'payment_already_used' | 'offer' | 'odd' | 'gave_up';

/** All requests of one buyer with one payment, and their results. */
export interface Story {
  readonly purchase: Purchase;
  /** Lower case. */
  readonly payer: string;
  readonly attempts: readonly Attempt[];
  readonly conclusion: Conclusion;
}

/** The buyer's side of the gateway. */
export interface Market {
  readonly url: string;
  readonly timeline: Timeline;
  readonly payers: readonly { readonly address: string; readonly key: Hex }[];
  requirementOf(purchase: Purchase): Requirement;
  /** Resolves when that life of the gateway listens or has ended. */
  opened(life: number): Promise<void>;
  /** Resolves when there are no more kills and the gateway has finished all open payments. */
  readonly calm: Promise<void>;
  /** Called when the head of a paid answer arrives. */
  onPaidHead: () => void;
  /** Whether buyers without an answer stop asking. */
  closed: boolean;
}

/** How long an authorization is valid: longer than any run. */
const VALID_SECONDS = 600;
/** First and longest wait between two requests, in milliseconds. */
const FIRST_WAIT_MS = 60;
const LONGEST_WAIT_MS = 1500;

/** What a repeated request cannot change. */
const FINAL: ReadonlySet<string | undefined> = new Set(['delivery_unknown', 'payment_already_used']);
/** Codes after which an honest client asks again: those of the gateway, and a 500 without a code, which the API sends. */
const ASK_AGAIN: ReadonlySet<string | undefined> = new Set([
  'payment_in_progress',
  'settlement_unknown',
  'facilitator_unreachable',
  'facilitator_timeout',
  'facilitator_overloaded',
  'store_unavailable',
  'shutting_down',
  'upstream_unreachable',
  'upstream_invalid_answer',
  'upstream_timeout',
]);

/** Makes one purchase, sending the same payment until its result is clear. */
export async function buy(purchase: Purchase, market: Market): Promise<Story> {
  await market.opened(purchase.life);
  await wait(purchase.delayMs);
  const payer = market.payers[purchase.payer];
  if (payer === undefined) throw new Error(`nobody pays for ${purchase.id}`);
  const till = new Till(purchase, market, await sign(purchase, payer.key, market));
  const story = { purchase, payer: payer.address.toLowerCase(), attempts: till.attempts };
  await first(till, market);
  for (let tries = 0; !market.closed; tries += 1) {
    const conclusion = conclusionOf(till.attempts);
    if (conclusion !== undefined) return { ...story, conclusion };
    await wait(Math.min(FIRST_WAIT_MS * 2 ** Math.min(tries, 8), LONGEST_WAIT_MS));
    await till.send();
  }
  return { ...story, conclusion: 'gave_up' };
}

/** The first request, which some buyers send in a special manner. */
async function first(till: Till, market: Market): Promise<void> {
  const { habit } = till.purchase;
  switch (habit.kind) {
    case 'steady':
      return await till.send();
    case 'twice':
      await Promise.all([till.send(), till.send()]);
      return;
    case 'late':
      await till.send();
      if (conclusionOf(till.attempts) === undefined) await market.calm;
      return;
    case 'hasty':
      return await till.send({ leaveAfterMs: habit.ms });
    case 'careless':
      return await till.send({ leaveAtHead: true });
  }
}

function conclusionOf(attempts: readonly Attempt[]): Conclusion | undefined {
  if (attempts.some(({ end }) => end.kind === 'served')) return 'served';
  const last = attempts.at(-1)?.end;
  if (last?.kind === 'odd' || last?.kind === 'offer') return last.kind;
  if (last?.kind !== 'refused' || !FINAL.has(last.code)) return undefined;
  return last.code === 'delivery_unknown' ? 'delivery_unknown' : 'payment_already_used';
}

async function sign(purchase: Purchase, key: Hex, market: Market): Promise<string> {
  const validBefore = String(Math.floor(Date.now() / 1000) + VALID_SECONDS);
  const authorization = { nonce: purchase.nonce, validBefore };
  return encodePayment(await handSigned(key, market.requirementOf(purchase), { authorization }));
}

interface Manner {
  readonly leaveAfterMs?: number;
  readonly leaveAtHead?: boolean;
}

/** Sends one payment, as often as necessary. */
class Till {
  readonly attempts: Attempt[] = [];
  readonly purchase: Purchase;
  readonly #market: Market;
  readonly #payment: string;

  constructor(purchase: Purchase, market: Market, payment: string) {
    this.purchase = purchase;
    this.#market = market;
    this.#payment = payment;
  }

  async send({ leaveAfterMs, leaveAtHead = false }: Manner = {}): Promise<void> {
    const { id, route } = this.purchase;
    const { timeline, url } = this.#market;
    const { life } = timeline;
    const leaving = new AbortController();
    const timer = leaveAfterMs === undefined ? undefined : setTimeout(() => leaving.abort(), leaveAfterMs);
    const body = bodyFor(this.purchase);
    let end: AttemptEnd;
    try {
      const answer = await ask(`${url}/${route.prefix}/${id}`, {
        method: route.method,
        headers: { 'PAYMENT-SIGNATURE': this.#payment, [PURCHASE_HEADER]: id },
        signal: leaving.signal,
        onHead: (status) => {
          if (status === 200) this.#market.onPaidHead();
          if (leaveAtHead) leaving.abort();
        },
        ...(body === undefined ? {} : { body }),
      });
      end = endOf(answer, answerOf(this.purchase, body ?? ''));
    } catch {
      end = { kind: leaving.signal.aborted ? 'left' : 'lost' };
    } finally {
      clearTimeout(timer);
    }
    this.attempts.push({ life, tick: timeline.tick(), end });
  }
}

function bodyFor({ id, route }: Purchase): string | undefined {
  return route.method === 'POST' ? JSON.stringify({ order: id }) : undefined;
}

function endOf({ status, headers, body, code }: Answer, bought: string): AttemptEnd {
  if (status === 200) return body === bought ? { kind: 'served' } : { kind: 'odd', what: '200 with another body' };
  const offer = headers['payment-required'];
  if (typeof offer === 'string') {
    return { kind: 'offer', reason: `${status} ${decodePaymentRequiredHeader(offer).error ?? ''}` };
  }
  const failed = status === 500 && code === undefined;
  if (failed || FINAL.has(code) || ASK_AGAIN.has(code)) return { kind: 'refused', status, code };
  return { kind: 'odd', what: `${status} ${code ?? body.slice(0, 80)}` };
}

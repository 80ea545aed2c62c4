import { ANSWER_LATER } from '../../paywall/page-data.ts';
import type { PageText } from '../../paywall/texts/page-text.ts';
import type { PendingPayment } from './pending-payment.ts';
import { Problem } from './problem.ts';

/** The facts of a settled payment that the page shows. */
export interface PaidReceipt {
  readonly transaction: string;
  readonly payer: string;
}

/** Pause before a payment is sent again, in milliseconds; it grows by this with each attempt. */
const RETRY_MS = 2000;
const SHORTEST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 15_000;
/** Codes at which money may be moving: the same payment is sent again, and no other one is made. */
const UNDER_WAY: ReadonlySet<string> = new Set(['payment_in_progress', 'settlement_unknown']);

/** `Accept` of a navigation: an API that reads it gives the same answer to both. */
const ACCEPT = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8';

/**
 * Sends a payment until it is settled or refused. While its outcome is unknown, the same payment is sent again for as long
 * as the page is open: it can be charged only once.
 *
 * @param onWait called with the reason of each delay
 * @throws Problem where it is refused
 */
export async function sendPayment(payment: PendingPayment, onWait: (why: PageText) => void): Promise<PaidReceipt> {
  for (let attempt = 0; ; attempt += 1) {
    const answer = await post(payment.header);
    if (answer === undefined) onWait('offline');
    else {
      const receipt = receiptOf(answer, payment);
      if (receipt !== undefined) return receipt;
      onWait(await retryReason(answer, payment));
    }
    const asked = Number(answer?.headers.get('retry-after') ?? Number.NaN) * 1000;
    const pause = Number.isFinite(asked) ? asked : RETRY_MS * (attempt + 1);
    await new Promise((resolve) => setTimeout(resolve, Math.min(Math.max(pause, SHORTEST_RETRY_MS), LONGEST_RETRY_MS)));
  }
}

async function post(header: string): Promise<Response | undefined> {
  try {
    return await fetch(location.href, {
      headers: { 'PAYMENT-SIGNATURE': header, [ANSWER_LATER.name]: ANSWER_LATER.value, Accept: ACCEPT },
      cache: 'no-store',
      // The target of a redirect must not get the payment.
      redirect: 'manual',
    });
  } catch {
    return undefined;
  }
}

function receiptOf(answer: Response, { account }: PendingPayment): PaidReceipt | undefined {
  const stated = decoded(answer.headers.get('payment-response'));
  if (answer.ok && stated['success'] === true) {
    return { transaction: String(stated['transaction'] ?? ''), payer: String(stated['payer'] ?? '') };
  }
  // A proxy in between may drop headers that it does not know. The gateway answers 204 to what is paid only.
  return answer.status === 204 && !isUncharged(answer) ? { transaction: '–', payer: account } : undefined;
}

/** The reason for sending the same payment again. @throws Problem where that is no use */
async function retryReason(answer: Response, payment: PendingPayment): Promise<PageText> {
  const { status } = answer;
  if (isUncharged(answer)) throw notCharged(status);
  const { code } = await problemOf(answer);
  if (UNDER_WAY.has(code)) return 'stillSettling';
  if (mayBePaid(status, code)) return 'overloaded';
  if (status === 402 || status === 412) throw refused(reasonOf(answer) ?? code, payment);
  if (status === 409) throw new Problem('used', 'usedCure');
  if (status === 400 && code !== '') throw refused(code, payment);
  throw notCharged(status);
}

/**
 * Whether an error leaves open what became of the payment: one of the gateway while it was at work, or one without its
 * code, from a proxy in between that waited too long or lost the connection. An API that failed is not paid.
 */
function mayBePaid(status: number, code: string): boolean {
  return status === 429 || status === 408 || (status >= 500 && !code.startsWith('upstream_'));
}

/** Whether the API gave an answer that the route does not charge. */
function isUncharged({ headers }: Response): boolean {
  return headers.get(ANSWER_LATER.name) === ANSWER_LATER.uncharged;
}

/** A redirect has the status 0 here. */
function notCharged(status: number): Problem {
  return new Problem('notCharged', 'notChargedCure', { status: String(status || '3xx') });
}

function refused(reason: string, { header: _, ...values }: PendingPayment): Problem {
  if (/insufficient_(?:funds|balance)/.test(reason)) return new Problem('notEnoughHere', 'notEnoughCure', values);
  if (/valid_before|expired/.test(reason)) return new Problem('tooLate', 'tooLateCure', values);
  return new Problem('refused', 'refusedCure', { reason });
}

function reasonOf(answer: Response): string | undefined {
  const { error } = decoded(answer.headers.get('payment-required'));
  return typeof error === 'string' ? error : undefined;
}

async function problemOf(answer: Response): Promise<{ readonly code: string }> {
  if (!(answer.headers.get('content-type') ?? '').startsWith('application/problem+json')) {
    await answer.body?.cancel();
    return { code: '' };
  }
  try {
    const { code }: { code?: unknown } = Object(await answer.json());
    return { code: typeof code === 'string' ? code : '' };
  } catch {
    return { code: '' };
  }
}

function decoded(header: string | null): Readonly<Record<string, unknown>> {
  try {
    return Object(JSON.parse(new TextDecoder().decode(Uint8Array.from(atob(header ?? ''), (c) => c.charCodeAt(0)))));
  } catch {
    return {};
  }
}

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
      const receipt = receiptOf(answer);
      if (receipt !== undefined) return receipt;
      onWait(await retryReason(answer, payment));
    }
    const asked = Number(answer?.headers.get('retry-after') ?? Number.NaN) * 1000;
    const pause = Number.isFinite(asked) ? asked : RETRY_MS * (attempt + 1);
    await new Promise((resolve) => setTimeout(resolve, Math.min(pause, LONGEST_RETRY_MS)));
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

function receiptOf(answer: Response): PaidReceipt | undefined {
  const stated = decoded(answer.headers.get('payment-response'));
  if (!answer.ok || stated['success'] !== true) return undefined;
  return { transaction: String(stated['transaction'] ?? ''), payer: String(stated['payer'] ?? '') };
}

/** The reason for sending the same payment again. @throws Problem where that is no use */
async function retryReason(answer: Response, payment: PendingPayment): Promise<PageText> {
  const { code } = await problemOf(answer);
  if (UNDER_WAY.has(code)) return 'stillSettling';
  if (answer.status === 429 || (answer.status === 503 && code !== '')) return 'overloaded';
  if (answer.status === 402 || answer.status === 412) throw refused(reasonOf(answer) ?? code, payment);
  if (answer.status === 409) throw new Problem('used', 'usedCure');
  if (answer.status === 400 && code !== '') throw refused(code, payment);
  // An answer of the API that the route does not charge. A redirect has the status 0 here.
  throw new Problem('notCharged', 'notChargedCure', { status: String(answer.status || '3xx') });
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

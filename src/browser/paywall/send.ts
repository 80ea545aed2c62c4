import { ANSWER_LATER } from '../../paywall/page-data.ts';
import type { PageText } from '../../paywall/texts/page-text.ts';
import type { PendingPayment } from './pending-payment.ts';
import { Problem } from './problem.ts';

/** What a settled payment is told of. */
export interface PaidReceipt {
  readonly transaction: string;
  readonly payer: string;
}

/** Milliseconds until a payment is sent again whose answer did not come, or that is not finished. */
const AGAIN_MS = 2000;
const AGAIN_MOST_MS = 15_000;
/** Money may be moving: the same payment is asked about, never another one made. */
const UNDER_WAY: ReadonlySet<string> = new Set(['payment_in_progress', 'settlement_unknown']);

/** As a navigation says it: an API that looks at it answers both alike. */
const ACCEPT = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8';

/**
 * Sends a payment until there is an answer to it: settled, or a {@link Problem}. While nobody knows, the same payment is
 * sent again, for as long as the page is open: whatever became of it, it can be charged once.
 *
 * @param waiting is told why the answer takes longer
 */
export async function sendPayment(payment: PendingPayment, waiting: (why: PageText) => void): Promise<PaidReceipt> {
  for (let attempt = 0; ; attempt += 1) {
    const answer = await post(payment.header);
    if (answer === undefined) waiting('offline');
    else {
      const receipt = receiptOf(answer);
      if (receipt !== undefined) return receipt;
      waiting(await judge(answer, payment));
    }
    const asked = Number(answer?.headers.get('retry-after') ?? Number.NaN) * 1000;
    const pause = Number.isFinite(asked) ? asked : AGAIN_MS * (attempt + 1);
    await new Promise((resolve) => setTimeout(resolve, Math.min(pause, AGAIN_MOST_MS)));
  }
}

async function post(header: string): Promise<Response | undefined> {
  try {
    return await fetch(location.href, {
      headers: { 'PAYMENT-SIGNATURE': header, [ANSWER_LATER.name]: ANSWER_LATER.value, Accept: ACCEPT },
      cache: 'no-store',
      // What is behind a redirect shall not see the payment.
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

/** Why it is worth sending the same payment again. @throws Problem where it is not */
async function judge(answer: Response, payment: PendingPayment): Promise<PageText> {
  const { code } = await problemOf(answer);
  if (UNDER_WAY.has(code)) return 'stillSettling';
  if (answer.status === 429 || (answer.status === 503 && code !== '')) return 'overloaded';
  if (answer.status === 402 || answer.status === 412) throw refused(reasonOf(answer) ?? code, payment);
  if (answer.status === 409) throw new Problem('used', 'usedCure');
  if (answer.status === 400 && code !== '') throw refused(code, payment);
  // The API's own answer, which the route does not charge; a redirect has no status here.
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

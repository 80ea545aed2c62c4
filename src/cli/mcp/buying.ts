import type { PrivateKeyAccount } from 'viem';
import type { AssetTable } from '../../config/asset-table.ts';
import { refusalOf } from '../pay/advice.ts';
import { isUnderWay, leavesDoubt } from '../pay/doubt.ts';
import { describePrice, readReceipt } from '../pay/payment-protocols.ts';
import { readWords } from '../pay/problem.ts';
import { purchase } from '../pay/purchase.ts';
import type { PurchaseOutcome, Refusal, SignedPayment } from '../pay/purchase-terms.ts';
import { describeReceipt } from '../pay/receipt.ts';
import { refusalText } from '../pay/refusal-text.ts';
import type { SpendingLimit } from '../pay/spending-limit.ts';
import { bodyText } from './body-text.ts';
import type { BoughtPasses } from './bought-passes.ts';
import type { Budget } from './budget.ts';
import { callKey, type UnfinishedPayment, type UnfinishedPayments } from './unfinished-payments.ts';

/** The line for a call without a payment of its own. */
const BY_PASS = 'pass      bought before, opened this call';

/** What purchases are made with. */
export interface BuyingTerms {
  readonly wallet: PrivateKeyAccount | undefined;
  /** For one call. */
  readonly limit: SpendingLimit;
  /** For all calls of the process. */
  readonly budget: Budget;
  readonly table: AssetTable;
  readonly unfinished: UnfinishedPayments;
  readonly passes: BoughtPasses;
}

/** The answer to an agent. */
export interface Told {
  readonly text: string;
  readonly isError: boolean;
}

/** Says what a call would cost, without paying. A free one is carried out, and its answer is not shown. */
export async function tellPrice(request: Request, table: AssetTable): Promise<Told> {
  const answer = await fetch(request);
  await answer.body?.cancel();
  if (answer.status !== 402) {
    return { text: `nothing is asked for: the server answers ${answer.status}`, isError: answer.status >= 400 };
  }
  const lines = describePrice(answer.headers, table, request.url);
  return lines.length === 0
    ? { text: 'the server asks for a payment that cannot be read', isError: true }
    : { text: lines.join('\n'), isError: false };
}

/**
 * Carries a call out, and pays for it where it costs something.
 *
 * A payment that may have been taken, and whose answer the agent does not get, is kept: the same call sends it again.
 * Agents repeat what failed, was cancelled or took too long, and would pay twice.
 *
 * @param signal aborts when the agent waits no more
 */
export async function buy(request: Request, terms: BuyingTerms, signal: AbortSignal): Promise<Told> {
  const { wallet, limit, budget, table, unfinished, passes } = terms;
  if (wallet === undefined) return { text: 'there is no key to pay with: set it, and start again', isError: true };
  const call = await callKey(request);
  const earlier = unfinished.take(call);
  let usedUp: string | undefined;
  let byPass = false;
  const outcome = await purchase(new Request(paidWith(request, earlier), { signal }), {
    wallet,
    limit,
    table,
    protocol: undefined,
    agree: async (offer) => {
      usedUp = budget.take(offer);
      return usedUp === undefined ? 'agreed' : 'declined';
    },
    fetch: async (sent) => {
      const opened = await passes.open(sent, (each) => fetch(each));
      byPass = opened.byPass;
      return opened.response;
    },
  }).catch((fault: unknown): PurchaseOutcome => {
    if (earlier === undefined) throw fault;
    return { kind: 'lost', signed: earlier.signed, fault: fault instanceof Error ? fault : new Error(String(fault)) };
  });
  if (outcome.kind === 'refused') return { text: `not paid: ${usedUp ?? whyRefused(outcome.refusal)}`, isError: true };
  const payment = earlier ?? (outcome.signed === undefined ? undefined : unfinished.signedNow(outcome.signed));
  const { isOpen, ...told } = await tell(outcome, payment?.signed, { table, byPass, isRepeat: earlier !== undefined });
  if (!isOpen || payment === undefined) return told;
  unfinished.keep(call, payment);
  return { text: `${told.text}\n${keptText(payment.signed)}`, isError: true };
}

/** The request with the payment of an earlier one. */
function paidWith(request: Request, earlier: UnfinishedPayment | undefined): Request {
  if (earlier === undefined) return request;
  const paying = new Request(request);
  paying.headers.append(...earlier.signed.header);
  return paying;
}

/** What an agent is told, and whether its payment may have been taken without the answer that it buys. */
async function tell(
  outcome: Exclude<PurchaseOutcome, { kind: 'refused' }>,
  signed: SignedPayment | undefined,
  { table, byPass, isRepeat }: { readonly table: AssetTable; readonly byPass: boolean; readonly isRepeat: boolean },
): Promise<Told & { readonly isOpen: boolean }> {
  if (outcome.kind === 'lost') return { text: 'no answer came', isError: true, isOpen: true };
  const { response } = outcome;
  const receipt = readReceipt(response.headers);
  const paid = byPass ? [BY_PASS] : receipt === undefined ? [] : describeReceipt(receipt, signed?.offer, table);
  const stated = response.status === 402 ? refusalOf(response, await readWords(response)) : undefined;
  const isDoubtful = isInDoubt(response, `${receipt?.reason ?? ''} ${stated ?? ''}`, isRepeat);
  const body = await bodyText(response).catch(() => undefined);
  const text = [`status    ${response.status}`, ...paid, '', body ?? 'the answer broke off'].join('\n');
  return { text, isError: !response.ok || body === undefined, isOpen: isDoubtful || body === undefined };
}

/**
 * Whether the same payment may still get another answer than this one. A 402 to a payment that is sent again is the end
 * of it, unless it says that the settlement is under way: the next call is paid anew.
 */
function isInDoubt({ status, headers }: Response, reason: string, isRepeat: boolean): boolean {
  if (status === 402) return isRepeat ? isUnderWay(reason) : leavesDoubt(reason);
  return status >= 500 || (status >= 400 && headers.has('retry-after'));
}

function keptText({ header }: SignedPayment): string {
  return `The payment may have been taken. Make the same call again: the same payment goes with it, which cannot be taken twice. After a restart, add the header ${header.join(': ')}`;
}

function whyRefused(refusal: Refusal): string {
  switch (refusal.kind) {
    case 'declined':
    case 'nobody_to_ask':
      return 'it was declined';
    case 'unreadable':
    case 'not_offered':
    case 'no_key':
    case 'unknown_token':
    case 'over_limit':
    case 'not_for_catalogues':
      return refusalText(refusal);
  }
}

import { PERMIT2_ADDRESS } from '@x402/evm';
import { readHeaderObject } from '../../protocol/header-json.ts';
import { printable } from '../terminal.ts';
import { leavesDoubt } from './doubt.ts';
import { priceText } from './payable-offer.ts';
import type { ServerWords } from './problem.ts';
import type { SignedPayment } from './purchase-terms.ts';

/** What an answer is judged by. */
export interface AdviceContext extends ServerWords {
  readonly signed: SignedPayment | undefined;
  /** Where a key was looked for and is missing; `undefined` when there was one, or the request brought its payment. */
  readonly keyEnv: string | undefined;
  /** Whether the server sent a receipt, of whatever outcome. */
  readonly hasReceipt: boolean;
}

/** What an answer that is not simply the resource means, and one thing to do about it. */
export function adviceFor(response: Response, context: AdviceContext): readonly string[] {
  const { signed, keyEnv, hasReceipt, problem } = context;
  const { status } = response;
  if (response.ok) return signed === undefined || hasReceipt ? [] : [NO_RECEIPT];
  const said = problem === undefined ? '' : `: ${[problem.title, problem.detail].filter(Boolean).join(' ')}`;
  const head = `status    ${printable(`${status} ${response.statusText}`.trim() + said)}`;
  if (status === 402 && keyEnv !== undefined) {
    return [
      head,
      `Nothing was paid. To pay, put the private key of the paying account into ${keyEnv}, or name another variable with --key-env.`,
    ];
  }
  if (status === 402)
    return [head, ...explainRefusal(printable(refusalOf(response, context) ?? 'it gives no reason'), context)];
  if (status === 412 && signed !== undefined) return [head, ...approvalAdvice(signed, context)];
  // Conflict, or a settlement that is not resolved: the same payment gets the outcome, a new one would pay twice.
  if (signed !== undefined && (status === 409 || status >= 500)) {
    return [head, ...(isUntaken(context) ? explainUntaken(signed) : explainLost(signed))];
  }
  if (status >= 300 && status < 400) {
    return [
      head,
      `The server sends to ${printable(response.headers.get('location') ?? 'nowhere')}; redirects are not followed.`,
    ];
  }
  return signed === undefined || hasReceipt ? [head] : [head, NO_RECEIPT];
}

const NO_RECEIPT = 'There is no receipt: as far as the server says, nothing was charged.';

/**
 * Errors of a Turnpike gateway that come before the settlement, or after it is certain that no money moved
 * (docs/lifecycle.md). If money had moved before, such an answer carries the receipt.
 */
const UNTAKEN = /^(?:facilitator|upstream)_[a-z_]+$/;

function isUntaken({ hasReceipt, problem }: AdviceContext): boolean {
  return !hasReceipt && UNTAKEN.test(problem?.code ?? '');
}

function explainUntaken({ header: [name, value], offer }: SignedPayment): readonly string[] {
  return [
    `Nothing was charged, the server says. The payment stays good for ${printable(offer.maxTimeoutSeconds)} s at most: rather than`,
    'a new one, which could be charged beside it, send it again. Repeat the command with this added to it:',
    `  -H '${name}: ${value}'`,
  ];
}

/** How to learn what became of a payment without paying again. */
export function explainLost({ header: [name, value] }: SignedPayment): readonly string[] {
  return [
    'The payment was sent and may have been taken. Do not pay anew: the same payment, sent again, cannot be taken twice.',
    'Repeat the command with this added to it:',
    `  -H '${name}: ${value}'`,
  ];
}

function approvalAdvice({ offer }: SignedPayment, { detail, problem }: AdviceContext): readonly string[] {
  const { assetAddress, amount } = offer;
  return [
    // In a problem document it stands in the line of the status.
    ...(detail === undefined || problem !== undefined ? [] : [printable(detail)]),
    `This token is paid through Permit2, which needs an approval once, from the paying account (it costs gas):`,
    `  cast send ${printable(assetAddress)} 'approve(address,uint256)' ${PERMIT2_ADDRESS} ${amount} --rpc-url …`,
    'Nothing was paid. Approve at least the price, then pay again.',
  ];
}

/** Reasons of facilitators for an account that does not hold the price. */
const TOO_POOR = /^\w*insufficient_(?:balance|funds)$/;

function explainRefusal(reason: string, { signed, detail }: AdviceContext): readonly string[] {
  const said = detail === undefined ? reason : `${reason}: ${printable(detail)}`;
  const refused = `The server did not take the payment: ${said.replace(/\.$/, '')}.`;
  if (signed !== undefined && leavesDoubt(reason)) return [`The server says: ${said}`, ...explainLost(signed)];
  if (signed === undefined || !TOO_POOR.test(reason)) return [refused];
  const { payer, offer } = signed;
  const network = printable(offer.network?.name ?? offer.networkId);
  // The server has said how much is there, and what is needed.
  if (detail !== undefined)
    return [refused, `The account is ${payer} on ${network}. Send it what is missing, and pay again.`];
  return [
    refused,
    `The account ${payer} holds less than the price, ${priceText(offer)} on ${network}. Send it that much there, and pay again.`,
  ];
}

/** The reason that a 402 states, in the server's words: in its header in x402 v2, in its body in v1. */
export function refusalOf({ headers }: Response, { error }: Pick<ServerWords, 'error'>): string | undefined {
  const stated = readHeaderObject(headers.get('payment-required'))?.['error'];
  return typeof stated === 'string' ? stated : error;
}

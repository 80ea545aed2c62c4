import type { PrivateKeyAccount } from 'viem';
import type { AssetTable } from '../../config/asset-table.ts';
import { describePrice, readReceipt } from '../pay/payment-protocols.ts';
import { purchase } from '../pay/purchase.ts';
import type { PurchaseOutcome, Refusal } from '../pay/purchase-terms.ts';
import { describeReceipt } from '../pay/receipt.ts';
import { refusalText } from '../pay/refusal-text.ts';
import type { SpendingLimit } from '../pay/spending-limit.ts';
import type { Budget } from './budget.ts';

/** Longest answer that is handed to an agent, in bytes. */
const MOST_ANSWER = 1024 * 1024;

/** What purchases are made with. */
export interface BuyingTerms {
  readonly wallet: PrivateKeyAccount | undefined;
  /** For one call. */
  readonly limit: SpendingLimit;
  /** For all calls of the process. */
  readonly budget: Budget;
  readonly table: AssetTable;
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

/** Carries a call out, and pays for it where it costs something. */
export async function buy(request: Request, { wallet, limit, budget, table }: BuyingTerms): Promise<Told> {
  if (wallet === undefined) return { text: 'there is no key to pay with: set it, and start again', isError: true };
  let usedUp: string | undefined;
  const outcome = await purchase(request, {
    wallet,
    limit,
    table,
    protocol: undefined,
    agree: async (offer) => {
      usedUp = budget.take(offer);
      return usedUp === undefined ? 'agreed' : 'declined';
    },
    fetch: (sent) => fetch(sent),
  });
  return await told(outcome, usedUp, table);
}

async function told(outcome: PurchaseOutcome, usedUp: string | undefined, table: AssetTable): Promise<Told> {
  switch (outcome.kind) {
    case 'refused':
      return { text: `not paid: ${usedUp ?? whyRefused(outcome.refusal)}`, isError: true };
    case 'lost':
      return {
        text: `the payment may have been taken, and no answer came. To ask again without paying again, make the same call with the header ${outcome.signed.header.join(': ')}`,
        isError: true,
      };
    case 'answered': {
      const { response, signed } = outcome;
      const receipt = readReceipt(response.headers);
      const paid = receipt === undefined ? [] : describeReceipt(receipt, signed?.offer, table);
      const text = [`status    ${response.status}`, ...paid, '', await bodyText(response)].join('\n');
      return { text, isError: !response.ok };
    }
  }
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

async function bodyText(response: Response): Promise<string> {
  const bytes = Buffer.from(await response.arrayBuffer());
  const isText = /^(?:text\/|application\/(?:[^;]*\+)?(?:json|xml))/i.test(response.headers.get('content-type') ?? '');
  if (bytes.length > MOST_ANSWER)
    return `${bytes.subarray(0, MOST_ANSWER).toString('utf8')}\n… ${bytes.length} bytes in all`;
  return isText || bytes.length === 0 ? bytes.toString('utf8') : `base64: ${bytes.toString('base64')}`;
}

import type { DevnetAccount } from '../../devnet/accounts.ts';
import { type Amount, parseAmount } from '../../domain/amount.ts';
import { isJsonObject } from '../../domain/payment.ts';
import type { Json } from '../../domain/x402.ts';
import { readHeaderObject } from '../../protocol/header-json.ts';
import { CommandFailure } from '../exit.ts';
import { type Balances, readBalances, usdc } from './accounts.ts';
import { buy, type Exchange, type Purchase } from './buyer.ts';
import { change, heading, narrateExchange, readEvidence, type Say } from './story.ts';
import type { World } from './world.ts';

/** What a metered call cost, in atomic units. */
interface Charge {
  /** What the buyer signed for. */
  readonly maximum: Amount;
  /** What moved, as the receipt says. */
  readonly amount: Amount;
}

/** A metered call, and what the accounts hold around it. */
interface MeteredCall {
  readonly purchase: Purchase;
  readonly charge: Charge;
  readonly before: Balances;
  readonly after: Balances;
}

/**
 * One call that costs what it used, told with its maximum and its charge. Left out where the chain lacks Permit2.
 *
 * @throws CommandFailure when it is not served, or another amount than the charge moved
 */
export async function tellMeteredCall(
  { devnet, gateway, lacking }: Pick<World, 'devnet' | 'gateway' | 'lacking'>,
  say: Say,
): Promise<void> {
  heading('5. A call to a language model costs what it used', say);
  if (lacking.includes('Permit2')) return say('Left out: metered prices need Permit2, which is not on that chain.');
  const before = await readBalances(devnet);
  const purchase = await buyAnswer(gateway.url, devnet.accounts.buyer);
  const charge = readCharge(purchase);
  if (charge === undefined) throw new CommandFailure('the demo failed: the metered call was not served');
  const after = await readBalances(devnet);
  narrateCall({ purchase, charge, before, after }, say);
  const gained = after.payee - before.payee;
  if (gained !== charge.amount || gained >= charge.maximum) {
    throw new CommandFailure(`the demo failed: the payee got ${gained} atomic units instead of ${charge.amount}`);
  }
  say('\nExactly the charge moved, and the buyer keeps the rest of the maximum.');
}

/** Asks the language model a question, priced by its tokens. */
async function buyAnswer(gatewayUrl: string, buyer: DevnetAccount): Promise<Purchase> {
  const messages = [{ role: 'user', content: 'What does the climate report say of Lisbon?' }];
  return await buy(`${gatewayUrl}/v1/chat/completions`, buyer, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ model: 'report-reader', messages }),
  });
}

function narrateCall({ purchase, charge, before, after }: MeteredCall, say: Say): void {
  say('Its price is a maximum. The buyer let Permit2 move its USDC when the demo started, which is done once.\n');
  for (const exchange of purchase.exchanges) narrateExchange(exchange, say);
  say(`\n  ${purchase.body.trim()}\n`);
  say(`maximum   ${usdc(charge.maximum)}, signed for by the buyer`);
  say(`charge    ${usdc(charge.amount)}, for the tokens that the answer names`);
  say(`buyer     ${change(before.buyer, after.buyer, usdc)}`);
  say(`payee     ${change(before.payee, after.payee, usdc)}`);
}

/** Reads maximum and charge from the 402 and the receipt; `undefined` where the call was not served. */
function readCharge(purchase: Purchase): Charge | undefined {
  const amount = readEvidence(purchase)?.amount;
  const maximum = readMaximum(purchase.exchanges[0]);
  return amount === undefined || maximum === undefined ? undefined : { maximum, amount };
}

function readMaximum(unpaid: Exchange | undefined): Amount | undefined {
  const accepts = readHeaderObject(unpaid?.received.get('payment-required'))?.['accepts'];
  const [offer]: readonly Json[] = Array.isArray(accepts) ? accepts : [];
  return isJsonObject(offer) ? parseAmount(offer['amount']) : undefined;
}

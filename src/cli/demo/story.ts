import { type Amount, parseAmount } from '../../domain/amount.ts';
import { decodeHeaderJson, readHeaderObject } from '../../protocol/header-json.ts';
import { type Balances, ether, type MinedTransaction, usdc } from './accounts.ts';
import type { Exchange, Purchase } from './buyer.ts';
import type { World } from './world.ts';

/** Takes one line of the story. */
export type Say = (line: string) => void;

/** The settlement that the gateway claims, read from `PAYMENT-RESPONSE`. */
export interface Evidence {
  readonly transaction: `0x${string}`;
  readonly payer: string;
  /** Atomic units, where the receipt names them: those of a metered price do. */
  readonly amount: Amount | undefined;
}

/** A purchase on chain. */
export interface Proof {
  readonly evidence: Evidence;
  readonly mined: MinedTransaction;
  readonly before: Balances;
  readonly after: Balances;
}

/** Headers of an answer that tell what happened; the others are the API's. */
const TELLING = ['content-type', 'cache-control', 'payment-required', 'payment-response', 'vary'];
/** Enough of a base64 header to recognise it. */
const SHOWN_CHARACTERS = 72;

/** Tells what runs where. */
export function narrateStart({ devnet, api, gateway, yaml }: World, say: Say): void {
  heading('1. Everything that takes part runs on this machine', say);
  say(`chain     ${devnet.rpcUrl} (${devnet.network}, a stand-in for Base Sepolia, with a test USDC)`);
  say(`API       ${api.url} (knows nothing of payments)`);
  say(`gateway   ${gateway.url} (stands in front of the API)`);
  say(`buyer     ${devnet.accounts.buyer.address} (has test USDC and no ether)`);
  say(`payee     ${devnet.accounts.payee.address}`);
  say('\nThe gateway runs on this file:\n');
  for (const line of yaml.trimEnd().split('\n')) say(`  ${line}`);
}

/** Tells the two requests of a purchase with their real headers. */
export function narratePurchase({ exchanges, body }: Purchase, say: Say): void {
  const [unpaid, paid] = exchanges;
  if (unpaid !== undefined) {
    heading('2. The buyer asks without paying, and learns the price', say);
    narrateExchange(unpaid, say);
    narrateHeader('PAYMENT-REQUIRED says', unpaid.received.get('payment-required'), say);
  }
  if (paid !== undefined) {
    heading('3. The official client signs a payment and asks again', say);
    narrateHeader('PAYMENT-SIGNATURE says', paid.sent.get('payment-signature'), say);
    say('');
    narrateExchange(paid, say);
    say(`\n  ${body.trim()}`);
    narrateHeader('PAYMENT-RESPONSE says', paid.received.get('payment-response'), say);
  }
}

/** Tells what the chain says. */
export function narrateProof({ evidence, mined, before, after }: Proof, say: Say): void {
  heading('4. The money moved', say);
  say(`tx        ${evidence.transaction}`);
  say(`block     ${mined.block}, ${mined.status}, sent by the settler ${mined.from}`);
  say(`gas       ${mined.gasUsed} (${ether(mined.fee)}), paid by the settler`);
  say('');
  say(`buyer     ${change(before.buyer, after.buyer, usdc)}`);
  say(`payee     ${change(before.payee, after.payee, usdc)}`);
  say(`settler   ${change(before.settlerEther, after.settlerEther, ether)}`);
  say(`buyer     ${change(before.buyerEther, after.buyerEther, ether)}`);
  say('');
}

/** The command line of `turnpike` here: in a checkout it is only a script. */
const COMMAND = import.meta.url.endsWith('.ts') ? 'npm run -s turnpike --' : 'turnpike';

/** Tells how to go on by hand. */
export function narrateUse({ devnet, gateway, lacking }: World, say: Say): void {
  heading('6. Your turn', say);
  say(`  curl -i ${gateway.url}/healthz`);
  say(`  curl -i ${gateway.url}/v1/weather/oslo`);
  say(`  TURNPIKE_PAY_KEY=${devnet.accounts.buyer.key} \\`);
  say(`    ${COMMAND} pay ${gateway.url}/v1/weather/oslo`);
  say(`  TURNPIKE_PAY_KEY=${devnet.accounts.buyer.key} \\`);
  say(`    ${COMMAND} pay ${gateway.url}/v1/stream --yes`);
  if (!lacking.includes('Permit2')) {
    say(`  TURNPIKE_PAY_KEY=${devnet.accounts.buyer.key} \\`);
    say(`    ${COMMAND} pay ${gateway.url}/v1/chat/completions -d '{"messages":[]}'`);
  }
  if (gateway.adminUrl !== undefined) say(`  curl ${gateway.adminUrl}/metrics`);
  say('\nIn a browser, people get a page with the price and a button for their wallet:\n');
  say(`  ${gateway.url}/v1/weather/oslo`);
  if (gateway.adminUrl !== undefined) {
    say(
      '\nThe admin page shows what was earned and what became of each payment. It has one that failed and one in doubt:',
    );
    say('the facilitator of the archive settles nothing, and leaves one call without an answer.\n');
    say(`  ${gateway.adminUrl}/`);
  }
  say('\nThe key is a public test key. Ctrl-C ends everything.\n');
}

/** Reads the settlement of the paid request; `undefined` where it was not served. */
export function readEvidence({ exchanges }: Purchase): Evidence | undefined {
  const paid = exchanges[1];
  const settled = paid?.status === 200 ? readHeaderObject(paid.received.get('payment-response')) : undefined;
  if (settled === undefined) return undefined;
  const { success, transaction, payer, amount } = settled;
  if (success !== true || typeof payer !== 'string' || !isHash(transaction)) return undefined;
  return { transaction, payer, amount: parseAmount(amount) };
}

/** Tells a request and the head of its answer. */
export function narrateExchange({ method, url, sent, status, received }: Exchange, say: Say): void {
  const { pathname, host } = new URL(url);
  say(`> ${method} ${pathname} HTTP/1.1`);
  say(`> Host: ${host}`);
  const signature = sent.get('payment-signature');
  if (signature !== null) say(`> PAYMENT-SIGNATURE: ${shorten(signature)}`);
  say(`< HTTP/1.1 ${status}`);
  for (const name of TELLING) {
    const value = received.get(name);
    if (value !== null) say(`< ${name}: ${shorten(value)}`);
  }
}

function narrateHeader(title: string, header: string | null, say: Say): void {
  const decoded = header === null ? undefined : decodeHeaderJson(header);
  if (decoded?.ok !== true) return;
  say(`\n${title}:\n`);
  for (const line of JSON.stringify(decoded.value, null, 2).split('\n')) say(`  ${line}`);
}

/** Begins a part of the story. */
export function heading(text: string, say: Say): void {
  say(`\n${text}\n${'-'.repeat(text.length)}\n`);
}

/** Tells an amount before and after. */
export function change(before: bigint, after: bigint, write: (amount: bigint) => string): string {
  if (before === after) return `${write(after)}, unchanged`;
  const difference = after - before;
  return `${write(before)} -> ${write(after)} (${difference > 0n ? '+' : '-'}${write(difference < 0n ? -difference : difference)})`;
}

function shorten(value: string): string {
  if (value.length <= SHOWN_CHARACTERS) return value;
  return `${value.slice(0, SHOWN_CHARACTERS)}… (${value.length} characters)`;
}

function isHash(value: unknown): value is `0x${string}` {
  return typeof value === 'string' && /^0x[0-9a-f]{64}$/i.test(value);
}

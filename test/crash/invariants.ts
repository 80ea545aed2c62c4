import type { PaymentRecord } from '../../src/domain/payment-record.ts';
import { isClaimable, OPEN, SETTLED } from '../../src/domain/payment-state.ts';
import type { Story } from './buyer.ts';
import type { Evidence } from './evidence.ts';
import type { ApiCall } from './flaky-api.ts';

/** A broken invariant, and the payment that broke it. */
export interface Violation {
  readonly rule: string;
  readonly what: string;
}

/** One payment from all sides. */
export interface Case {
  readonly story: Story;
  readonly row: PaymentRecord | undefined;
  readonly calls: readonly ApiCall[];
  /** Transactions in which the chain has its authorization used. */
  readonly transactions: readonly string[];
  /** When the transaction that moved its money first reached the node; `undefined` when none did. */
  readonly paidAt: number | undefined;
}

/** Groups the evidence by payment. */
export function casesOf(evidence: Evidence): readonly Case[] {
  return evidence.stories.map((story) => {
    const { id, nonce } = story.purchase;
    const uses = evidence.chain.uses.filter((use) => use.nonce === nonce);
    const sent = evidence.broadcasts.find(
      ({ hash, arrived }) => arrived && uses.some((use) => use.transaction === hash),
    );
    return {
      story,
      row: evidence.rows.find(({ key }) => key.endsWith(nonce)),
      calls: evidence.calls.filter(({ purchase }) => purchase === id),
      transactions: uses.map(({ transaction }) => transaction),
      paidAt: sent?.tick,
    };
  });
}

/** Checks a run against all invariants. Empty when none is broken. */
export function findViolations(evidence: Evidence): readonly Violation[] {
  const cases = casesOf(evidence);
  const found = [...booksAndChain(evidence), ...aftermath(evidence)];
  for (const one of cases) {
    for (const [rule, check] of Object.entries(RULES)) {
      const what = check(one, evidence);
      if (what !== undefined) found.push({ rule, what: `${one.story.purchase.id}: ${what}\n${tell(one)}` });
    }
  }
  return found;
}

type Check = (one: Case, evidence: Evidence) => string | undefined;

const RULES: Readonly<Record<string, Check>> = {
  'an authorization is settled at most once': ({ transactions, story }, { broadcasts, chain, facilitator }) => {
    const { nonce } = story.purchase;
    const own = new Set(
      broadcasts.filter(({ authorizations }) => authorizations.includes(nonce)).map(({ hash }) => hash),
    );
    const mined = [...own].filter((hash) => chain.mined.has(hash));
    if (transactions.length > 1) return `used in ${transactions.join(' and ')}`;
    // A remote facilitator may send a transaction again when it is asked again; the second one moves nothing.
    return mined.length > 1 && facilitator === 'local' ? `${mined.length} transactions were mined for it` : undefined;
  },
  'the ledger and the chain agree about each payment': ({ row, transactions: [transaction], story }) => {
    const settled = row !== undefined && SETTLED.includes(row.state);
    if (settled !== (transaction !== undefined)) return `the ledger says ${row?.state}, the chain ${transaction}`;
    if (!settled) return undefined;
    if (row.settlement?.transaction !== transaction) return `the ledger names ${row.settlement?.transaction}`;
    return row.settlement?.amount === story.purchase.route.amount ? undefined : 'another amount than the price';
  },
  'no payment is stuck': ({ row }) => (row !== undefined && OPEN.includes(row.state) ? row.state : undefined),
  'what is settled is delivered, or told to be in doubt where it must be': (one) =>
    one.transactions.length === 0 || wasServed(one) || mayBeWithheld(one) ? undefined : one.story.conclusion,
  'what is not settled is not delivered': (one) =>
    one.transactions.length === 0 && wasServed(one) ? 'delivered for nothing' : undefined,
  'every purchase comes to an end': ({ story: { conclusion } }) => (conclusion === 'gave_up' ? conclusion : undefined),
  'an honest buyer sees no answer that makes no sense': ({ story: { attempts } }) => {
    const odd = attempts.map(({ end }) => end).find(({ kind }) => kind === 'odd');
    return odd?.kind === 'odd' ? odd.what : undefined;
  },
  'no new offer is made for a payment that is or gets settled': ({ story: { attempts }, transactions }) => {
    const offer = attempts.map(({ end }) => end).find(({ kind }) => kind === 'offer');
    return offer?.kind === 'offer' && transactions.length > 0 ? offer.reason : undefined;
  },
  'an unsafe call is not made again once it was paid for': repeatedCall,
  'the upstream is told the true payer': ({ calls, story }) =>
    calls.some(({ payer }) => payer !== story.payer) ? 'another payer' : undefined,
  'nothing is forwarded before the money moved on settle: before': ({ calls, paidAt, story }) => {
    const early = calls.filter(({ tick }) => paidAt === undefined || tick < paidAt);
    return story.purchase.route.settle === 'before' && early.length > 0 ? `${early.length} calls` : undefined;
  },
};

function wasServed({ story }: Case): boolean {
  return story.attempts.some(({ end }) => end.kind === 'served');
}

/** Whether a buyer who paid and asked until the end may have got no answer. */
function mayBeWithheld({ story, calls, paidAt = 0 }: Case): boolean {
  const { route } = story.purchase;
  const left = story.attempts.some(({ end }) => end.kind === 'left');
  switch (story.conclusion) {
    case 'payment_already_used':
      // The whole answer was sent on a connection that the buyer closed.
      return left;
    case 'delivery_unknown': {
      if (route.method === 'GET') return false;
      if (!route.keeps) return true;
      // Otherwise answers are kept before the settlement; with `before`, a call can be lost before its answer is kept.
      return route.settle === 'before' && !calls.some((call) => call.tick > paidAt && wasKept(call, story));
    }
    default:
      return false;
  }
}

/** A complete answer was kept if the gateway was not killed meanwhile. */
function wasKept({ answered, behaviour, life }: ApiCall, { attempts }: Story): boolean {
  const lastLife = attempts.at(-1)?.life ?? 0;
  return answered && behaviour !== 'fail' && life === lastLife;
}

/**
 * Until it is paid for, a call whose answer was not delivered may be made anew: it cost nothing, and the payment is
 * free again. After that, an unsafe call is repeated only after an explicit failure.
 */
function repeatedCall({ calls, paidAt, story }: Case): string | undefined {
  const { method, settle } = story.purchase.route;
  if (method === 'GET' || paidAt === undefined) return undefined;
  const paid = calls.filter(({ tick }) => tick > paidAt);
  if (settle !== 'before') return paid.length === 0 ? undefined : `${paid.length} calls after the settlement`;
  const last = paid.findIndex(({ behaviour }) => behaviour !== 'fail');
  return last === -1 || last === paid.length - 1 ? undefined : `made again after "${paid[last]?.behaviour}"`;
}

function booksAndChain({ chain, rows, stories }: Evidence): Violation[] {
  const rule = 'the sums agree to the unit';
  const found: Violation[] = [];
  const booked = sum(rows.map(({ settlement }) => settlement?.amount ?? 0n));
  const moved = sum(chain.transfers.map(({ amount }) => amount));
  if (booked !== chain.earned) found.push({ rule, what: `ledger ${booked}, payee ${chain.earned}` });
  if (moved !== chain.earned) found.push({ rule, what: `transfers ${moved}, payee ${chain.earned}` });
  const nonces = new Set<string>(stories.map(({ purchase }) => purchase.nonce));
  for (const { nonce } of chain.uses) if (!nonces.has(nonce)) found.push({ rule, what: `nobody signed ${nonce}` });
  if (chain.uses.length !== chain.transfers.length) {
    found.push({ rule, what: `${chain.uses.length} uses, ${chain.transfers.length} transfers` });
  }
  for (const { key, state, settlement } of rows) {
    if (isClaimable(state) && settlement !== undefined)
      found.push({ rule, what: `${key} is ${state} with a settlement` });
  }
  return found;
}

function aftermath({ chain, log, exitCode }: Evidence): Violation[] {
  const found: Violation[] = [];
  const { settler, waiting } = chain;
  if (settler.mined !== settler.pending || waiting > 0) {
    const what = `${settler.mined} mined, ${settler.pending} pending, ${waiting} in the pool`;
    found.push({ rule: 'the settling account has no gap', what });
  }
  if (exitCode !== 0)
    found.push({ rule: 'the gateway ends in order when it is asked to', what: `exit code ${exitCode}` });
  for (const line of log) {
    if (line['code'] === 'internal_error' || line['msg'] === 'settlement is no longer on the chain') {
      found.push({ rule: 'the gateway does not fail by itself', what: JSON.stringify(line) });
    }
  }
  return found;
}

function sum(amounts: readonly bigint[]): bigint {
  return amounts.reduce((total, amount) => total + amount, 0n);
}

/** The history of one payment, to find the cause. */
function tell({ story, row, calls, transactions, paidAt }: Case): string {
  const { route, habit, life, nonce } = story.purchase;
  const attempts = story.attempts.map(({ life: at, tick, end }) => `${at}/${tick}:${JSON.stringify(end)}`);
  const made = calls.map((call) => `${call.life}/${call.tick}:${call.behaviour}${call.answered ? '+' : ''}`);
  return [
    `  ${route.prefix} in life ${life}, ${JSON.stringify(habit)}, nonce ${nonce}`,
    `  row: ${row?.state} epoch ${row?.epoch} answered ${row?.answered} (${row?.reason})`,
    `  chain: ${transactions.join(', ') || 'unused'}, sent at ${paidAt}`,
    `  calls (life/tick): ${made.join(' ')}`,
    `  attempts (life/tick): ${attempts.slice(-12).join(' ')}`,
  ].join('\n');
}

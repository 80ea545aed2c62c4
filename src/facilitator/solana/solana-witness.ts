import { setTimeout as sleep } from 'node:timers/promises';
import type { Payment } from '../../domain/payment.ts';
import type { Settlement, SettlementOutcome } from '../../domain/settlement.ts';
import { associatedTokenAccount, TOKEN_2022_PROGRAM, TOKEN_PROGRAM } from '../../svm/token-account.ts';
import type { ForeignTransfer, OpenSettlement } from '../facilitator.ts';
import { foreignAgeLimit } from '../foreign-age.ts';
import type { AskedSettlement, OpenWitness, Sight, Witness } from '../remote/witness.ts';
import { compare, readSignedTransfer, type SignedTransfer } from './signed-transfer.ts';
import { SolanaNode } from './solana-node.ts';
import { type FateTools, findFate, outcomeOfFate, pending } from './transfer-fate.ts';
import { searchTransfer } from './transfer-search.ts';

/** How long our node may take to see a transaction that a facilitator says is confirmed, in milliseconds. */
const SEEING_MS = 10_000;

/** First and longest pause between two looks for it, in milliseconds. */
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 1_000;

/** One look takes some five requests, and public nodes take four a second from one address. */
const PACE_MS = 2_000;

/** Opens a node that checks settlements, see {@link SolanaWitness}. */
export const openSolanaWitness: OpenWitness = (network, url, clock, proxy) =>
  new SolanaWitness(new SolanaNode(network, url, proxy), clock);

/**
 * Checks with a node what a remote facilitator says about settlements on Solana. It only reads.
 *
 * | state of the payment | what the chain shows | next state |
 * |---|---|---|
 * | `settling`, the facilitator says that it settled | the transaction, confirmed: the very message, signed by its fee payer, and the price more on the payee's token account | `settled` |
 * | the same | nothing of that within ten seconds | `unknown`, looked into later |
 * | `settling`, the facilitator refused before sending | no such transaction | `failed` |
 * | `settling` after a crash, or `unknown` | the transaction, finalized, with the price | `settled` |
 * | the same | the transaction, finalized, failed (`err`) | `failed`: it can be in no other block |
 * | the same | the transaction, with another change of the balance | `unknown` for ever: money moved |
 * | the same | none, the blockhash good | the facilitator is asked for the same again, which moves money once |
 * | the same | none, the blockhash ended, three minutes after the claim | `failed` |
 * | the same | anything else; a node that is away, behind or talks nonsense | `unknown` |
 *
 * A process that is killed before or after a request to the node has changed nothing: the row holds the attempt, and
 * the next process asks the chain again. While the state is `unknown`, the buyer gets 503 and no offer.
 */
class SolanaWitness implements Witness {
  readonly paceMs = PACE_MS;
  readonly #node: SolanaNode;
  readonly #tools: FateTools;

  /** @param clock Unix milliseconds */
  constructor(node: SolanaNode, clock: () => number) {
    this.#node = node;
    this.#tools = { node, clock };
  }

  servedChain(signal: AbortSignal): Promise<string> {
    return this.#node.servedChain(signal);
  }

  async confirm(
    payment: Payment,
    said: SettlementOutcome,
    { amount, patienceMs }: AskedSettlement,
  ): Promise<SettlementOutcome> {
    const transfer = readSignedTransfer(payment, amount);
    try {
      switch (said.kind) {
        case 'settled': {
          const { transaction } = said.settlement;
          const sees = transfer !== undefined && (await this.#sees(transfer, transaction, patienceMs));
          return sees ? said : pending(transaction, 'settlement_unproved');
        }
        case 'failed':
          return transfer === undefined ? said : await this.#whatElse(payment, transfer, said);
        case 'unknown':
          return said;
      }
    } catch {
      return said.kind === 'settled' ? pending(said.settlement.transaction, 'settlement_unproved') : said;
    }
  }

  async resolve({ payment, amount, since, known }: OpenSettlement, signal: AbortSignal): Promise<Sight> {
    const transfer = readSignedTransfer(payment, amount);
    if (transfer === undefined) return asSight(pending(undefined, 'evidence_unreadable'));
    await this.#node.ready();
    if (known !== undefined && (await this.#stands(transfer, known, signal))) {
      return asSight({ kind: 'settled', settlement: known });
    }
    const decided = outcomeOfFate(transfer, await findFate(transfer, since, this.#tools, signal));
    return decided === undefined ? { kind: 'unused' } : asSight(decided);
  }

  async findForeign(payment: Payment, signal: AbortSignal): Promise<ForeignTransfer> {
    const { amount, maxTimeoutSeconds } = payment.offer;
    const transfer = readSignedTransfer(payment, amount);
    if (transfer === undefined) return { kind: 'none' };
    await this.#node.ready();
    const { slot, seconds } = await this.#node.time(signal);
    const now = Math.max(this.#tools.clock() / 1000, seconds);
    const longest = foreignAgeLimit(maxTimeoutSeconds);
    const result = await searchTransfer(this.#node, transfer, (now - longest) * 1000, slot, signal);
    if (result.kind !== 'found') return { kind: result.kind };
    if (result.likeness === 'failed') return { kind: 'none' };
    const { signature: transaction, minedAt } = result.transaction;
    if (result.likeness === 'odd' || minedAt === undefined || now - minedAt >= longest) return { kind: 'used' };
    return { kind: 'found', settlement: { transaction, payer: transfer.payer, amount }, minedAt: minedAt * 1000 };
  }

  /** A transfer arrives at the payee's associated token account, which no buyer's transaction creates. */
  async payeeProblem(payTo: string, mint: string, signal: AbortSignal): Promise<string | undefined> {
    const program = await this.#node.programOf(mint, signal);
    if (program === undefined) return `there is no token ${mint}`;
    if (program !== TOKEN_PROGRAM && program !== TOKEN_2022_PROGRAM) return `${mint} is no token`;
    const account = associatedTokenAccount(payTo, mint, program);
    if ((await this.#node.programOf(account, signal)) !== undefined) return undefined;
    return `${payTo} has no token account for it (${account}), and no payment can arrive; create it: spl-token create-account ${mint} --owner ${payTo} --fee-payer KEYPAIR`;
  }

  /** A failure, unless the chain shows that the transaction was sent all the same. */
  async #whatElse({ offer }: Payment, transfer: SignedTransfer, failed: SettlementOutcome): Promise<SettlementOutcome> {
    await this.#node.ready();
    const { slot } = await this.#node.time();
    const result = await searchTransfer(
      this.#node,
      transfer,
      this.#tools.clock() - offer.maxTimeoutSeconds * 1000,
      slot,
    );
    if (result.kind !== 'found' || result.likeness === 'failed') return failed;
    return outcomeOfFate(transfer, result) ?? failed;
  }

  /**
   * Whether our own node has the transaction as proof of the transfer: two thirds of the stake have voted for its
   * block.
   */
  async #sees(transfer: SignedTransfer, transaction: string, patienceMs: number): Promise<boolean> {
    const deadline = AbortSignal.timeout(Math.min(patienceMs, SEEING_MS));
    await this.#node.ready();
    for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(2 * pause, LONGEST_PAUSE_MS)) {
      const found = await this.#node.transaction(transaction, deadline).catch(() => undefined);
      if (found !== undefined) return compare(transfer, found) === 'paid';
      try {
        await sleep(pause, undefined, { signal: deadline });
      } catch {
        return false;
      }
    }
  }

  /** Whether a settlement that was proved before is finalized by now. */
  async #stands(transfer: SignedTransfer, { transaction }: Settlement, signal: AbortSignal): Promise<boolean> {
    const [found, finalized] = await Promise.all([
      this.#node.transaction(transaction, signal),
      this.#node.isFinalized(transaction, signal),
    ]);
    return finalized && found !== undefined && compare(transfer, found) === 'paid';
  }
}

function asSight(outcome: SettlementOutcome): Sight {
  return { kind: 'outcome', outcome };
}

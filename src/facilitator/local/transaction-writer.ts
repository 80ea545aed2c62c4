import { keccak256, type PrivateKeyAccount } from 'viem';
import { type Address, type Hex, parseAddress } from '../../evm/address.ts';
import type { Call, ChainNode } from './chain-node.ts';
import type { Fees } from './fee-gauge.ts';
import { isTrouble, readRefusal } from './rpc-fault.ts';

/** Transactions that are signed and sent together. */
const BATCH_SIZE = 32;

/** Gas for a transfer of nothing to ourselves, on chains that charge for calldata too. */
const FILLER_GAS = 100_000n;

/** A signed transaction. Its hash is known before it is sent; sent again, it is these bytes and no others. */
export interface SignedTransaction {
  readonly nonce: number;
  readonly hash: Hex;
  readonly raw: Hex;
}

/**
 * What sending came to.
 *
 * - `sent`: the node has it.
 * - `doubtful`: it may have it; only the chain can tell.
 * - `refused`: the node does not have it and never will, because of `why`.
 */
export type SendOutcome =
  | { readonly kind: 'sent' | 'doubtful'; readonly signed: SignedTransaction }
  | { readonly kind: 'refused'; readonly why: 'funds' | 'fee' | 'other' };

/** What a node said of one raw transaction; `stale` when its nonce belongs to another transaction. */
type Verdict = SendOutcome | { readonly kind: 'stale' };

interface Order {
  readonly call: Call;
  readonly fees: Fees;
  readonly renumbered: boolean;
  readonly resolve: (outcome: SendOutcome) => void;
  readonly reject: (fault: unknown) => void;
}

const ALREADY_KNOWN =
  /already ?known|already imported|known transaction|already exists|already in (?:the )?(?:mem)?pool/i;
const STALE_NONCE =
  /nonce (?:is )?too low|replacement transaction underpriced|replacement not allowed|nonce has already/i;
const NO_FUNDS = /insufficient (?:funds|balance)/i;
const LOW_FEE = /underpriced|fee.*(?:too low|less than)|gas price.*(?:too low|less than|below)/i;

/**
 * The one writer of one account on one chain.
 *
 * All sends go through one line: numbers (account nonces) are taken from the node's pending state once and counted here
 * from then on, and what gathers while one batch is under way leaves with the next. A number whose transaction the node
 * refused is used by the next one; if others above it are waiting already, a transfer of nothing to ourselves closes
 * the gap. A number whose transaction may have arrived is never given to another one: that transaction is sent again,
 * byte for byte, before anything new.
 */
export class TransactionWriter {
  readonly address: Address;
  readonly #node: ChainNode;
  readonly #account: PrivateKeyAccount;
  readonly #orders: Order[] = [];
  readonly #doubtful = new Map<number, SignedTransaction>();
  #free: number[] = [];
  #next: number | undefined;
  #lastFees: Fees | undefined;
  #writing = false;

  constructor(node: ChainNode, account: PrivateKeyAccount) {
    const address = parseAddress(account.address);
    if (address === undefined) throw new Error('the key has no address');
    this.address = address;
    this.#node = node;
    this.#account = account;
  }

  /**
   * Signs and sends a call. Rejects with a {@link GatewayError} only while nothing has been sent.
   */
  async send(call: Call, fees: Fees): Promise<SendOutcome> {
    const { promise, resolve, reject } = Promise.withResolvers<SendOutcome>();
    this.#orders.push({ call, fees, renumbered: false, resolve, reject });
    this.#lastFees = fees;
    if (!this.#writing) void this.#write();
    return await promise;
  }

  /** Sends a signed transaction once more. What the node says to that changes nothing, so that nobody need wait. */
  async sendAgain(signed: SignedTransaction): Promise<void> {
    await this.#node.broadcast(signed.raw).catch(() => undefined);
  }

  /** Says that a transaction was not seen in time: it is kept alive until its number is used up on chain. */
  doubt(signed: SignedTransaction): void {
    this.#doubtful.set(signed.nonce, signed);
  }

  async #write(): Promise<void> {
    this.#writing = true;
    // Payments that come in the same turn travel together.
    await Promise.resolve();
    while (this.#orders.length > 0) await this.#sendBatch(this.#orders.splice(0, BATCH_SIZE));
    await this.#closeGaps();
    this.#writing = false;
    if (this.#orders.length > 0) void this.#write();
  }

  async #sendBatch(orders: readonly Order[]): Promise<void> {
    try {
      await this.#prepare();
    } catch (fault) {
      for (const order of orders) order.reject(fault);
      return;
    }
    const verdicts = await Promise.all(
      orders.map(async (order) => await this.#sendNumbered(order.call, order.fees, this.#takeNumber())),
    );
    const stale = verdicts.some(({ kind }) => kind === 'stale');
    orders.forEach((order, index) => {
      const verdict = verdicts[index];
      if (verdict !== undefined) this.#conclude(order, verdict);
    });
    if (stale) this.#forgetNumbers();
    else this.#rollBack();
  }

  #conclude(order: Order, verdict: Verdict): void {
    if (verdict.kind !== 'stale') {
      order.resolve(verdict);
    } else if (order.renumbered) {
      order.resolve({ kind: 'refused', why: 'other' });
    } else {
      this.#orders.unshift({ ...order, renumbered: true });
    }
  }

  /** Learns the next number where it is not known, and keeps doubtful transactions alive. */
  async #prepare(): Promise<void> {
    if (this.#next === undefined) {
      const pending = await this.#node.transactionCount(this.address, 'pending');
      this.#next = Math.max(pending, ...[...this.#doubtful.keys()].map((nonce) => nonce + 1));
    }
    if (this.#doubtful.size === 0) return;
    const mined = await this.#node.transactionCount(this.address, 'latest');
    for (const nonce of this.#doubtful.keys()) if (nonce < mined) this.#doubtful.delete(nonce);
    await Promise.all([...this.#doubtful.values()].map(async (signed) => await this.sendAgain(signed)));
  }

  #takeNumber(): number {
    const free = this.#free.shift();
    if (free !== undefined) return free;
    if (this.#next === undefined) throw new Error('a number was taken before the count was known');
    const number = this.#next;
    this.#next += 1;
    return number;
  }

  async #sendNumbered(call: Call, fees: Fees, nonce: number): Promise<Verdict> {
    const signed = await this.#sign(call, fees, nonce);
    const verdict = await this.#offer(signed);
    if (verdict.kind === 'doubtful') this.doubt(signed);
    if (verdict.kind === 'refused') this.#free.push(nonce);
    return verdict;
  }

  async #sign({ to, data, gas }: Call, fees: Fees, nonce: number): Promise<SignedTransaction> {
    const { chainId } = this.#node;
    const raw = await this.#account.signTransaction({ type: 'eip1559', chainId, nonce, to, data, gas, ...fees });
    return { nonce, raw, hash: keccak256(raw) };
  }

  async #offer(signed: SignedTransaction): Promise<Verdict> {
    try {
      await this.#node.broadcast(signed.raw);
      return { kind: 'sent', signed };
    } catch (thrown) {
      const refusal = readRefusal(thrown);
      if (refusal !== undefined && ALREADY_KNOWN.test(refusal.message)) return { kind: 'sent', signed };
      if (refusal !== undefined && NO_FUNDS.test(refusal.message)) return { kind: 'refused', why: 'funds' };
      const stale = refusal !== undefined && STALE_NONCE.test(refusal.message);
      if (refusal === undefined || (!stale && isTrouble(refusal))) return { kind: 'doubtful', signed };
      return await this.#doubleCheck(signed, stale, refusal.message);
    }
  }

  /** Providers pass one send to several nodes: a refusal may come from one that met our own transaction already. */
  async #doubleCheck(signed: SignedTransaction, stale: boolean, message: string): Promise<Verdict> {
    try {
      if ((await this.#node.transaction(signed.hash)) !== undefined) return { kind: 'sent', signed };
    } catch {
      return { kind: 'doubtful', signed };
    }
    if (stale) return { kind: 'stale' };
    return { kind: 'refused', why: LOW_FEE.test(message) ? 'fee' : 'other' };
  }

  /** Somebody else used this account, or the node forgot: the count is taken from the node again. */
  #forgetNumbers(): void {
    this.#next = undefined;
    this.#free = [];
  }

  /** Gives free numbers at the end of the line back to the count. */
  #rollBack(): void {
    this.#free.sort((a, b) => a - b);
    while (this.#next !== undefined && this.#free.at(-1) === this.#next - 1) {
      this.#free.pop();
      this.#next -= 1;
    }
  }

  /** What is free now lies below transactions that wait for it. */
  async #closeGaps(): Promise<void> {
    const fees = this.#lastFees;
    if (fees === undefined || this.#free.length === 0) return;
    const nothing: Call = { to: this.address, data: '0x', gas: FILLER_GAS };
    const numbers = this.#free.splice(0);
    const verdicts = await Promise.all(numbers.map(async (nonce) => await this.#sendNumbered(nothing, fees, nonce)));
    if (verdicts.some(({ kind }) => kind === 'stale')) this.#forgetNumbers();
    else this.#rollBack();
  }
}

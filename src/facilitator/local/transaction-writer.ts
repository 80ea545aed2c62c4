import { keccak256, type PrivateKeyAccount, parseTransaction } from 'viem';
import { type Address, type Hex, parseAddress, parseHex } from '../../evm/address.ts';
import type { Call } from '../chain/chain-facts.ts';
import type { ChainNode } from '../chain/chain-node.ts';
import { isTrouble, readRefusal } from '../chain/rpc-fault.ts';
import { AccountNumbers } from './account-numbers.ts';
import type { Fees } from './fee-gauge.ts';

/** Transactions that are signed and sent together. */
const BATCH_SIZE = 32;

/** What a replacement has to offer of what was offered before: nodes ask for a tenth more, some for an eighth. */
const RAISED_PERCENT = 113n;

/** Gas for a transfer of nothing to ourselves, on chains that charge for calldata too. */
const FILLER_GAS = 100_000n;

/** A signed transaction. Its hash is known before it is sent; sent again, it is these bytes and no others. */
export interface SignedTransaction {
  readonly nonce: number;
  readonly hash: Hex;
  readonly raw: Hex;
}

/**
 * The result of sending.
 *
 * - `sent`: the node has it.
 * - `doubtful`: the node may have it; only the chain can tell.
 * - `refused`: the node does not have it and never will, because of `why`.
 */
export type SendOutcome =
  | { readonly kind: 'sent' | 'doubtful'; readonly signed: SignedTransaction }
  | { readonly kind: 'refused'; readonly why: 'funds' | 'fee' | 'other' };

/** Writes a transaction down before it is sent; when it rejects, nothing is. */
export type WriteDown = (signed: SignedTransaction) => Promise<void>;

/**
 * A node's answer to a raw transaction; `stale` when its nonce belongs to another transaction, `unwritten` when the
 * node was not asked because the transaction could not be written down.
 */
type Verdict = SendOutcome | { readonly kind: 'stale' } | { readonly kind: 'unwritten'; readonly fault: unknown };

/** A transaction that may have arrived, under its number. */
interface Doubtful {
  /** Its hash when it was written down. */
  readonly written: Hex;
  /** What is sent now: the same call, maybe with higher fees. */
  readonly signed: SignedTransaction;
}

interface Order {
  readonly call: Call;
  readonly fees: Fees;
  readonly writeDown: WriteDown;
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
 * All sends go through one queue. Numbers (account nonces) are taken from the node's pending state once and counted
 * here from then on. Transactions that arrive while a batch is under way go into the next one. A number whose
 * transaction the node refused goes to the next transaction; if higher numbers are waiting already, a transfer of
 * nothing to ourselves closes the gap. A number whose transaction may have arrived is never given to another call: that
 * transaction is sent again before anything new. It is the same byte for byte, unless gas has become dearer than it pays:
 * then nothing after it would be mined, and the same call is signed with higher fees. Its authorizations move the money
 * once, whichever of both is mined, and a payment is proved by its authorization and not by the transaction's name.
 */
export class TransactionWriter {
  readonly address: Address;
  readonly #node: ChainNode;
  readonly #account: PrivateKeyAccount;
  readonly #orders: Order[] = [];
  readonly #doubtful = new Map<number, Doubtful>();
  readonly #numbers = new AccountNumbers();
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
   * Signs a call, has it written down, and sends it. Rejects only while nothing has been sent: with a
   * {@link GatewayError} of the node, or with what `writeDown` rejected with.
   */
  async send(call: Call, fees: Fees, writeDown: WriteDown): Promise<SendOutcome> {
    const { promise, resolve, reject } = Promise.withResolvers<SendOutcome>();
    this.#orders.push({ call, fees, writeDown, renumbered: false, resolve, reject });
    this.#lastFees = fees;
    if (!this.#writing) void this.#write();
    return await promise;
  }

  /** Sends a signed transaction again. The node's answer changes nothing. */
  async sendAgain(signed: SignedTransaction): Promise<void> {
    await this.#node.broadcast(signed.raw).catch(() => undefined);
  }

  /** Reports that a transaction was not seen in time: it is sent again until its number is used up on chain. */
  doubt(signed: SignedTransaction): void {
    if (this.#doubtful.get(signed.nonce)?.written === signed.hash) return;
    this.#doubtful.set(signed.nonce, { written: signed.hash, signed });
  }

  /**
   * Takes over a transaction that another process of ours wrote down: its number is given to no other one, and it is sent
   * again until that number is used up on chain.
   *
   * @returns whether it had been taken over before
   */
  async adopt(signed: SignedTransaction): Promise<boolean> {
    const known = this.#doubtful.get(signed.nonce)?.written === signed.hash;
    // Where this process gave the number to another one, the chain decides between them.
    if (!this.#doubtful.has(signed.nonce)) this.doubt(signed);
    this.#numbers.occupy(signed.nonce);
    await this.sendAgain(signed);
    return known;
  }

  /** Closes gaps below transactions that wait, and raises fees that are too low now, where no new payment does. */
  mend(fees: Fees): void {
    this.#lastFees = fees;
    if (!this.#writing) void this.#write();
  }

  async #write(): Promise<void> {
    this.#writing = true;
    // Payments that come in the same turn are sent together.
    await Promise.resolve();
    do await this.#sendBatch(this.#orders.splice(0, BATCH_SIZE));
    while (this.#orders.length > 0);
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
      orders.map(async (order) => await this.#sendNumbered(order, this.#numbers.take())),
    );
    const stale = verdicts.some(({ kind }) => kind === 'stale');
    orders.forEach((order, index) => {
      const verdict = verdicts[index];
      if (verdict !== undefined) this.#conclude(order, verdict);
    });
    if (stale) this.#numbers.forget();
    else this.#numbers.rollBack();
  }

  #conclude(order: Order, verdict: Verdict): void {
    if (verdict.kind === 'unwritten') {
      order.reject(verdict.fault);
    } else if (verdict.kind !== 'stale') {
      order.resolve(verdict);
    } else if (order.renumbered) {
      order.resolve({ kind: 'refused', why: 'other' });
    } else {
      this.#orders.unshift({ ...order, renumbered: true });
    }
  }

  /** Learns the next number where it is not known, and sends doubtful transactions again. */
  async #prepare(): Promise<void> {
    if (!this.#numbers.known) {
      const pending = await this.#node.transactionCount(this.address, 'pending');
      this.#numbers.learn(pending, [...this.#doubtful.keys()]);
    }
    if (this.#doubtful.size === 0) return;
    const mined = await this.#node.transactionCount(this.address, 'latest');
    for (const nonce of this.#doubtful.keys()) if (nonce < mined) this.#doubtful.delete(nonce);
    await Promise.all([...this.#doubtful.values()].map(async (doubtful) => await this.#repeat(doubtful)));
  }

  /** Sends a doubtful transaction again, with higher fees where its own have been overtaken. */
  async #repeat({ written, signed }: Doubtful): Promise<void> {
    const raised = await this.#raised(signed);
    if (raised === undefined) return await this.sendAgain(signed);
    const verdict = await this.#offer(raised);
    // One that may have arrived counts, too: what is raised again has to offer more than it. After a refusal the next try
    // begins with the earlier one.
    if (verdict.kind === 'sent' || verdict.kind === 'doubtful')
      this.#doubtful.set(raised.nonce, { written, signed: raised });
  }

  /** The same call with the fees of now; `undefined` while its own are enough, and where the limit allows no more. */
  async #raised({ nonce, raw }: SignedTransaction): Promise<SignedTransaction | undefined> {
    const now = this.#lastFees;
    const { to, data = '0x', gas, maxFeePerGas: offered = 0n, maxPriorityFeePerGas: tip = 0n } = parseTransaction(raw);
    const call = { to: parseAddress(to), data: parseHex(data), gas };
    if (now === undefined || call.to === undefined || call.data === undefined || gas === undefined) return undefined;
    if (offered >= now.gasPrice) return undefined;
    const maxPriorityFeePerGas = larger((tip * RAISED_PERCENT) / 100n + 1n, now.maxPriorityFeePerGas);
    const least = larger((offered * RAISED_PERCENT) / 100n + 1n, maxPriorityFeePerGas);
    if (least > now.maxFeePerGas) return undefined;
    return await this.#sign({ to: call.to, data: call.data, gas }, { ...now, maxPriorityFeePerGas }, nonce);
  }

  async #sendNumbered({ call, fees, writeDown }: Pick<Order, 'call' | 'fees' | 'writeDown'>, nonce: number) {
    const signed = await this.#sign(call, fees, nonce);
    try {
      await writeDown(signed);
    } catch (fault) {
      this.#numbers.giveBack(nonce);
      return { kind: 'unwritten', fault } satisfies Verdict;
    }
    const verdict = await this.#offer(signed);
    if (verdict.kind === 'doubtful') this.doubt(signed);
    if (verdict.kind === 'refused') this.#numbers.giveBack(nonce);
    return verdict;
  }

  async #sign(
    { to, data, gas }: Call,
    { maxFeePerGas, maxPriorityFeePerGas }: Fees,
    nonce: number,
  ): Promise<SignedTransaction> {
    const fees = { maxFeePerGas, maxPriorityFeePerGas };
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

  /** Providers pass one send to several nodes: a refusal may come from a node that has our own transaction already. */
  async #doubleCheck(signed: SignedTransaction, stale: boolean, message: string): Promise<Verdict> {
    try {
      if ((await this.#node.transaction(signed.hash)) !== undefined) return { kind: 'sent', signed };
    } catch {
      return { kind: 'doubtful', signed };
    }
    if (stale) return { kind: 'stale' };
    return { kind: 'refused', why: LOW_FEE.test(message) ? 'fee' : 'other' };
  }

  /** Free numbers that are left now lie below transactions that wait for them. */
  async #closeGaps(): Promise<void> {
    const fees = this.#lastFees;
    if (fees === undefined) return;
    // The filler moves nothing, so there is nothing to write down.
    const filler = {
      call: { to: this.address, data: '0x', gas: FILLER_GAS },
      fees,
      writeDown: async () => {},
    } as const;
    const numbers = this.#numbers.takeGaps();
    if (numbers.length === 0) return;
    const verdicts = await Promise.all(numbers.map(async (nonce) => await this.#sendNumbered(filler, nonce)));
    if (verdicts.some(({ kind }) => kind === 'stale')) this.#numbers.forget();
    else this.#numbers.rollBack();
  }
}

function larger(one: bigint, other: bigint): bigint {
  return one > other ? one : other;
}

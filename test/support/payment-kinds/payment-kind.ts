/**
 * A way to pay that a gateway sells by, as attacks need it: every suite that runs on one of them runs on all, with the
 * same results.
 */
export interface PaymentKind {
  readonly name: string;
  /** Whether it may be answered on credit. */
  readonly onCredit: boolean;
  /** Whether what was signed for one route pays no other one of the same price. */
  readonly forOneRoute: boolean;
  /** Starts a chain, and whoever settles on it. */
  start(): Promise<PaymentWorld>;
}

/** A chain with an owner, buyers, and a facilitator that sees it. */
export interface PaymentWorld {
  /** The top of a configuration: who is paid, on what, by whom it is settled. The store is in memory. */
  settings(upstream: string): string;
  /** A buyer with money, or without. */
  buyer(funds?: 'none'): Promise<PaymentBuyer>;
  /** What the owner has, in atomic units of 10⁻⁶. */
  received(): Promise<bigint>;
  close(): Promise<void>;
}

/** Somebody with an account of its own. */
export interface PaymentBuyer {
  /** Signs for what the 402 of a URL asks for, as a stock client does. */
  sign(url: string, method?: string): Promise<SignedPayment>;
  /** Signs the same, good until a moment ago. */
  signExpired(url: string): Promise<Field>;
}

/** A field of a request. */
export type Field = readonly [name: string, value: string];

/** A payment, as it travels. */
export interface SignedPayment {
  readonly field: Field;
  /** The same payment in other spellings, and with other things beside it. */
  readonly spellings: readonly Field[];
  /** The payment with a part that was changed after it was signed, so that it pays nothing. */
  readonly tampered: readonly (readonly [part: string, field: Field])[];
  /** The same payment, stated in a way that another protocol has for it; absent where there is none. */
  readonly inAnotherProtocol?: Field;
  /** Somebody who has seen it has it settled. */
  frontRun(): Promise<void>;
}

/** One line of a request. */
export function fieldLine([name, value]: Field): string {
  return `${name}: ${value}`;
}

/*
 * A signed payment is kept until its outcome is known. A page that was closed, or whose browser crashed, while the money
 * moved sends the same payment again. It never makes a second one.
 */

/** A signed payment without a known outcome. */
export interface PendingPayment {
  readonly header: string;
  /** Name for people, from the offer. */
  readonly network: string;
  readonly symbol: string;
  readonly account: string;
  /** How long the signature is valid, in seconds. */
  readonly seconds: string;
}

const FIELDS = ['header', 'network', 'symbol', 'account', 'seconds'] as const;

function key(): string {
  return `turnpike-payment:${location.pathname}${location.search}`;
}

/** Stores a payment before it is sent. Where the browser stores nothing, the payment is sent without that. */
export function remember(payment: PendingPayment): void {
  try {
    localStorage.setItem(key(), JSON.stringify(payment));
  } catch {
    // A private window, or a full disk.
  }
}

/** Reads the stored payment of this page; `undefined` where there is none. */
export function recall(): PendingPayment | undefined {
  try {
    const kept: Record<string, unknown> = Object(JSON.parse(localStorage.getItem(key()) ?? 'null'));
    const [header, network, symbol, account, seconds] = FIELDS.map((field) => kept[field]);
    if (typeof header !== 'string' || typeof network !== 'string' || typeof symbol !== 'string') return undefined;
    if (typeof account !== 'string' || typeof seconds !== 'string') return undefined;
    return { header, network, symbol, account, seconds };
  } catch {
    return undefined;
  }
}

/** Deletes the stored payment: its outcome is known. */
export function forget(): void {
  try {
    localStorage.removeItem(key());
  } catch {
    // As above.
  }
}

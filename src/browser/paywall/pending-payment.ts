/*
 * A payment that was signed, until there is an answer to it: a page that is closed, or a browser that crashes, while the
 * money moves, asks for the same payment when it is back, instead of making another one.
 */

/** A signed payment whose outcome this page does not know yet. */
export interface PendingPayment {
  readonly header: string;
  /** For people, as the offer said it. */
  readonly network: string;
  readonly symbol: string;
  readonly account: string;
  /** How long a signature is good for. */
  readonly seconds: string;
}

const FIELDS = ['header', 'network', 'symbol', 'account', 'seconds'] as const;

function key(): string {
  return `turnpike-payment:${location.pathname}${location.search}`;
}

/** Remembers a payment before it is sent. A browser that keeps nothing pays all the same. */
export function remember(payment: PendingPayment): void {
  try {
    localStorage.setItem(key(), JSON.stringify(payment));
  } catch {
    // Private windows and full disks.
  }
}

/** The payment of this page that has no answer yet. */
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

/** There is an answer to it. */
export function forget(): void {
  try {
    localStorage.removeItem(key());
  } catch {
    // As above.
  }
}

/** An offer that was in force: a payment made for it is good for the quote's lifetime after a price change. */
export interface Quote {
  /** The route's name. */
  readonly route: string;
  /** The offer as JSON, as the payment evidence writes it; equal offers have equal text. */
  readonly offer: string;
  /** Unix milliseconds of the last time it was seen in force. */
  readonly seenAt: number;
}

/** The offers of the last minutes, over restarts and replicas. */
export interface Quotes {
  /** Records that these offers are in force now. */
  rememberQuotes(quotes: readonly Omit<Quote, 'seenAt'>[], now: number): Promise<void>;
  /** Reads the offers that were in force since then, and deletes older ones. */
  recallQuotes(since: number): Promise<readonly Quote[]>;
}

/*
 * The answers of the admin API, with the members that the page reads. Page and API are of one release;
 * docs/admin-page.md lists the paths.
 */

/** A sum in one unit. */
export interface Money {
  readonly symbol: string | null;
  readonly amount: string;
  readonly settled: number;
  readonly open: number;
}

/** The earnings of a route, network, asset or day. */
export interface Earning {
  readonly name: string;
  readonly money: readonly Money[];
}

export interface Revenue {
  readonly days: number;
  readonly periods: readonly { readonly days: number; readonly money: readonly Money[] }[];
  readonly money: readonly Money[];
  readonly byRoute: readonly Earning[];
  readonly byNetwork: readonly Earning[];
  readonly byAsset: readonly Earning[];
  /** For routes with several prices, or a price for each tool. */
  readonly byPrice: readonly Earning[];
  /** For metered calls. */
  readonly byModel: readonly Earning[];
  /** Calls paid from prepaid balances, which are in the revenue since they were bought. */
  readonly usedOfBalances: readonly Earning[];
  readonly byDay: readonly Earning[];
}

export interface FunnelRoute {
  readonly route: string;
  readonly asked: number;
  readonly priced: number;
  readonly paid: number;
  readonly delivered: number;
  readonly passes: number;
  readonly free: number;
  readonly refused: number;
}

export interface Payment {
  readonly key: string;
  readonly state: string;
  readonly route: string;
  readonly requestId: string;
  readonly claimedAt: string;
  readonly changedAt: string;
  readonly expiresAt: string | null;
  readonly networkName: string;
  readonly network: string;
  readonly asset: string;
  readonly symbol: string | null;
  readonly amount: string | null;
  readonly amountAtomic: string;
  readonly asked: string | null;
  readonly askedAtomic: string | null;
  readonly payer: string;
  readonly payTo: string;
  readonly scheme: string;
  /** Absent in rows of earlier versions. */
  readonly protocol: string | null;
  readonly facilitator: string;
  readonly settled: {
    readonly transaction: string;
    readonly amount: string | null;
    readonly amountAtomic: string;
    readonly at: string | null;
  } | null;
  readonly attempt: string | null;
  readonly reason: string | null;
  readonly checks: number;
  readonly checkAt: string | null;
  readonly resolved: { readonly at: string; readonly note: string } | null;
  readonly usage: Usage | null;
  readonly transactionUrl: string | null;
}

/** The parts of a metered charge. */
export interface Usage {
  readonly meter: string;
  readonly model: string | null;
  /** Counts by name: `input`, `output`. */
  readonly figures: Readonly<Record<string, string>>;
  readonly rates: Readonly<Record<string, string>>;
  /** The charge that the API stated itself. */
  readonly stated: string | null;
  /** Why the answer holds no figures. */
  readonly missing: string | null;
  readonly guessed: boolean;
}

export interface PaymentDetail extends Payment {
  readonly meaning: string;
  readonly resolvable: boolean;
  readonly deliveries: number;
}

/** A payment whose row is damaged. */
export interface Unreadable {
  readonly key: string;
  readonly claimedAt: string | null;
  /** The damaged column. */
  readonly unreadable: string;
}

export interface PaymentPage {
  readonly payments: readonly Payment[];
  readonly unreadable: readonly Unreadable[];
  readonly next: string | null;
  readonly searchedTo: string | null;
}

export interface Doubt {
  readonly open: readonly (Payment & { readonly forMs: number })[];
  readonly unreadable: readonly Unreadable[];
  readonly moreOpen: boolean;
  readonly waiting: PaymentPage;
}

export interface Pass {
  readonly id: string;
  readonly scope: string;
  readonly state: string;
  readonly payer: string;
  readonly issuedAt: string;
  readonly expiresAt: string | null;
  readonly bought: number | null;
  readonly available: number | null;
  readonly lent: number | null;
}

/** A pass whose row is damaged. */
export interface UnreadablePass {
  readonly id: string;
  readonly issuedAt: string | null;
  /** The damaged column. */
  readonly unreadable: string;
}

export interface PassPage {
  readonly passes: readonly Pass[];
  readonly unreadable: readonly UnreadablePass[];
  readonly next: string | null;
}

export interface Check {
  readonly name: string;
  readonly ready: boolean;
  readonly detail?: string;
}

export interface Status {
  readonly actions: boolean;
  readonly store: string;
  readonly workers: number;
  readonly reloads: boolean;
  readonly checks: readonly Check[];
}

export interface PriceEntry {
  readonly price: string;
  readonly when?: string;
  readonly settle?: string;
  readonly metered?: string;
  readonly access?: { readonly scope: string; readonly forMs?: number; readonly requests?: number };
  readonly offers: readonly {
    readonly network: string;
    readonly networkName?: string;
    readonly symbol: string;
    readonly payTo: string;
  }[];
}

export interface Route extends PriceEntry {
  readonly name: string;
  readonly methods: readonly string[];
  readonly host: string;
  readonly path: string;
  readonly upstream: string;
  readonly prices?: readonly PriceEntry[];
}

export interface Configuration {
  readonly detail: string | null;
  readonly history: readonly {
    readonly at: string;
    readonly outcome: string;
    readonly changes: readonly string[];
    readonly notes: readonly string[];
  }[];
}

export interface Facilitators {
  readonly facilitators: readonly {
    readonly name: string;
    readonly kind: string;
    readonly networks: readonly string[] | null;
    readonly calls: readonly { readonly operation: string; readonly outcome: string; readonly count: number }[];
  }[];
  readonly checks: readonly Check[];
}

export interface Explanation {
  readonly kind: 'refused' | 'unmatched' | 'preflight' | 'matched';
  readonly status?: number;
  readonly code?: string;
  readonly why?: string | readonly string[];
  readonly path?: string;
  readonly answer?: string;
  readonly route?: Route;
  readonly fits?: PriceEntry & { readonly id: string };
  readonly destination?: {
    readonly url: string;
    readonly headersAdded: readonly string[];
    readonly headersRemoved: readonly string[];
  };
}

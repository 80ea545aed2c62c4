import { type PricedRoute, ROUTES } from './price-table.ts';
import { Random } from './random.ts';

/** What the API does with one call. */
export type CallBehaviour =
  | { readonly kind: 'answer' }
  | { readonly kind: 'slow'; readonly ms: number }
  /** A complete 500. */
  | { readonly kind: 'fail' }
  /** Half of the body, then the connection breaks. */
  | { readonly kind: 'break' }
  /** The connection breaks before any answer. */
  | { readonly kind: 'refuse' }
  /** Nothing, for longer than the gateway waits. */
  | { readonly kind: 'hang' };

/** The habit of a buyer. The plain one waits for the answer, and asks again when there is none. */
export type BuyerHabit =
  | { readonly kind: 'steady' }
  /** Sends the same payment twice at once. */
  | { readonly kind: 'twice' }
  /** Gives up at the first failure, and comes back after the last kill. */
  | { readonly kind: 'late' }
  /** Closes its first connection this many milliseconds after sending. */
  | { readonly kind: 'hasty'; readonly ms: number }
  /** Closes its first connection at the answer's head. */
  | { readonly kind: 'careless' };

/** One payment that is going to be made. */
export interface Purchase {
  readonly id: string;
  readonly route: PricedRoute;
  /** The authorization's nonce, which identifies the payment on the chain. */
  readonly nonce: `0x${string}`;
  /** Which of the buyers pays. */
  readonly payer: number;
  /** The life of the gateway in which it is made; the first is 1. */
  readonly life: number;
  /** Milliseconds after that life began to listen. */
  readonly delayMs: number;
  /** What the API does with the calls for it, in turn; `answer` with all later ones. */
  readonly calls: readonly CallBehaviour[];
  readonly habit: BuyerHabit;
  /** Bytes of padding in the answer's body. */
  readonly padding: number;
}

/** The instant at which a life of the gateway ends by `SIGKILL`. */
export type Kill =
  /** After the process was started; it may not listen yet. */
  | { readonly kind: 'boot'; readonly ms: number }
  /** After it began to listen. */
  | { readonly kind: 'time'; readonly ms: number }
  /** When its `count`th call reaches the API. */
  | { readonly kind: 'call'; readonly count: number }
  /** When its `count`th transaction is sent to the chain's node. `arrives`: whether the node gets it. */
  | { readonly kind: 'broadcast'; readonly count: number; readonly arrives: boolean }
  /** When the head of its `count`th paid answer reaches a buyer. */
  | { readonly kind: 'answer'; readonly count: number };

/** All random choices of a run, made beforehand. */
export interface Schedule {
  readonly purchases: readonly Purchase[];
  readonly kills: readonly Kill[];
}

/** How large a run is. */
export interface Scale {
  readonly seed: number;
  /** How often the gateway is killed. */
  readonly kills: number;
  readonly payments: number;
  /** Accounts that pay. */
  readonly payers: number;
}

/** Makes the random choices of a run. Equal scales give equal schedules. */
export function scheduleOf({ seed, kills, payments, payers }: Scale): Schedule {
  const random = new Random(seed);
  return {
    kills: Array.from({ length: kills }, () => killOf(random)),
    purchases: Array.from({ length: payments }, (_, index) => purchaseOf(random, index, kills, payers)),
  };
}

function killOf(random: Random): Kill {
  switch (
    random.pick<Kill['kind']>(['boot', 'time', 'time', 'call', 'broadcast', 'broadcast', 'broadcast', 'answer'])
  ) {
    case 'boot':
      return { kind: 'boot', ms: random.between(50, 1500) };
    case 'time':
      return { kind: 'time', ms: random.between(0, 2500) };
    case 'call':
      return { kind: 'call', count: random.between(1, 12) };
    case 'broadcast':
      return { kind: 'broadcast', count: random.between(1, 8), arrives: random.chance(0.6) };
    case 'answer':
      return { kind: 'answer', count: random.between(1, 8) };
  }
}

function purchaseOf(random: Random, index: number, lives: number, payers: number): Purchase {
  const route = ROUTES[index % ROUTES.length];
  if (route === undefined) throw new Error('the price table is empty');
  return {
    id: `p${String(index + 1).padStart(4, '0')}`,
    route,
    nonce: random.hex(32),
    payer: random.between(0, payers - 1),
    life: random.between(1, lives),
    delayMs: random.between(0, 700),
    calls: Array.from({ length: random.between(0, 3) }, () => behaviourOf(random)),
    habit: habitOf(random),
    padding: random.pick([0, 500, 60_000]),
  };
}

function behaviourOf(random: Random): CallBehaviour {
  const kind = random.pick<CallBehaviour['kind']>([
    'answer',
    'answer',
    'answer',
    'slow',
    'slow',
    'fail',
    'fail',
    'break',
    'refuse',
    'hang',
  ]);
  return kind === 'slow' ? { kind, ms: random.between(20, 700) } : { kind };
}

function habitOf(random: Random): BuyerHabit {
  const kind = random.pick<BuyerHabit['kind']>([
    'steady',
    'steady',
    'steady',
    'steady',
    'twice',
    'late',
    'hasty',
    'careless',
  ]);
  return kind === 'hasty' ? { kind, ms: random.between(5, 400) } : { kind };
}

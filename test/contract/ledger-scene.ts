import { afterEach, beforeEach } from 'vitest';
import type { Amount } from '../../src/domain/amount.ts';
import type { Network } from '../../src/domain/network.ts';
import type { PaymentKey } from '../../src/domain/payment.ts';
import type { PaymentClaim, PaymentRecord } from '../../src/domain/payment-record.ts';
import { isClaimable, PAYMENT_TRANSITIONS, type PaymentState } from '../../src/domain/payment-state.ts';
import type { Settlement } from '../../src/domain/settlement.ts';
import type { Transition } from '../../src/store/ledger.ts';
import type { PaymentStore } from '../../src/store/payment-store.ts';

/** Opens a ledger that reads the time, in Unix milliseconds, from `clock`. */
export type OpenLedger = (clock: () => number) => PaymentStore | Promise<PaymentStore>;

/** Opens ledgers of one kind. */
export interface LedgerHome {
  /** Opens an empty ledger. */
  readonly open: OpenLedger;
  /** Opens the last ledger of {@link open} once more, as another process would. */
  readonly again: OpenLedger;
}

/** Unix milliseconds at the start of each test. */
export const NOW = 1_800_000_000_000;
/** Unix seconds: when {@link paymentClaim} ends. */
export const EXPIRES_AT = NOW / 1000 + 60;
/** A settlement of {@link paymentClaim}. */
export const SETTLEMENT: Settlement = {
  transaction: `0x${'ab'.repeat(32)}`,
  payer: `0x${'01'.repeat(20)}`,
  amount: 10_000n as Amount,
};

/** A claim of a made-up payment, with changed parts. */
export function paymentClaim(changed: Partial<PaymentClaim> & { name?: string } = {}): PaymentClaim {
  const { name = 'one', ...rest } = changed;
  return {
    key: `eip155:84532|0x02|0x01|${name}` as PaymentKey,
    fingerprint: 'f'.repeat(64),
    digest: 'd'.repeat(64),
    requestId: `request-${name}`,
    route: 'weather',
    payer: `0x${'01'.repeat(20)}`,
    network: 'eip155:84532' as Network,
    asset: `0x${'02'.repeat(20)}`,
    amount: 10_000n as Amount,
    payTo: `0x${'03'.repeat(20)}`,
    scheme: 'exact',
    protocol: 'mpp',
    claimedAt: NOW,
    expiresAt: EXPIRES_AT,
    state: 'forwarding',
    owner: 'process-1',
    facilitator: 'local',
    evidence: '{"submission":{},"offer":{},"resourceUrl":"https://api.example.com/"}',
    identifier: undefined,
    ...rest,
  };
}

/** The shortest path of legal steps from a claim in `forwarding` to each state. */
export function wayTo(state: PaymentState): readonly PaymentState[] {
  const ways = new Map<PaymentState, readonly PaymentState[]>([['forwarding', []]]);
  for (const [from, way] of ways) {
    if (isClaimable(from)) continue;
    for (const to of PAYMENT_TRANSITIONS[from]) if (!ways.has(to)) ways.set(to, [...way, to]);
  }
  const way = ways.get(state);
  if (way === undefined) throw new Error(`no way leads to ${state}`);
  return way;
}

/** What a row holds of a claim when nothing has happened since. */
export function freshRow(claim: PaymentClaim, epoch: number, changedAt: number): PaymentRecord {
  const nothingYet = {
    settlement: undefined,
    settledAt: undefined,
    asked: undefined,
    usage: undefined,
    attempt: undefined,
    bodyDigest: undefined,
    reason: undefined,
    resolution: undefined,
  };
  return {
    ...claim,
    ...nothingYet,
    answered: false,
    leftEarly: false,
    deliveries: 0,
    checks: 0,
    checkAt: 0,
    epoch,
    changedAt,
  };
}

/** A step with the facts that its state requires. */
export function stepTo(to: PaymentState): Transition {
  const paid: readonly PaymentState[] = [
    'delivering',
    'undelivered',
    'delivered',
    'delivered_in_part',
    'delivery_unknown',
  ];
  return paid.includes(to) ? { to, settlement: SETTLEMENT } : { to };
}

/** Every state of a payment. */
export const STATES = Object.keys(PAYMENT_TRANSITIONS) as PaymentState[];

/** One empty ledger per test, its clock, and short helpers to bring payments into a state. */
export interface LedgerScene {
  readonly ledger: PaymentStore;
  /** The same ledger, as another process has it open. */
  another(): Promise<PaymentStore>;
  /** The time of the ledger's clock, in Unix milliseconds. */
  now: number;
  /** Claims, and fails where the payment is held. */
  claimed(claim?: PaymentClaim): Promise<PaymentRecord>;
  /** Moves, and fails where the epoch is stale. */
  moved(record: PaymentRecord, step: Transition): Promise<PaymentRecord>;
  /** Claims and moves on to `state`. */
  broughtTo(state: PaymentState, claim?: PaymentClaim): Promise<PaymentRecord>;
}

/** Sets the scene for the surrounding `describe`: opens a ledger before each of its tests and closes it after. */
export function setLedgerScene(home: LedgerHome): LedgerScene {
  let ledger: PaymentStore | undefined;
  const others: PaymentStore[] = [];
  const scene: LedgerScene = {
    now: NOW,
    get ledger() {
      if (ledger === undefined) throw new Error('the ledger is open within tests only');
      return ledger;
    },
    async another() {
      const other = await home.again(() => scene.now);
      others.push(other);
      return other;
    },
    async claimed(claim = paymentClaim()) {
      const outcome = await scene.ledger.claim(claim);
      if (outcome.kind !== 'claimed') throw new Error(`held in ${outcome.record.state}`);
      return outcome.record;
    },
    async moved(record, step) {
      const outcome = await scene.ledger.transition(record.key, record.epoch, step, record);
      if (outcome.kind !== 'moved') throw new Error('the epoch is stale');
      return outcome.record;
    },
    async broughtTo(state, claim = paymentClaim()) {
      let record = await scene.claimed(claim);
      for (const next of wayTo(state)) record = await scene.moved(record, stepTo(next));
      return record;
    },
  };
  beforeEach(async () => {
    scene.now = NOW;
    ledger = await home.open(() => scene.now);
  });
  afterEach(async () => {
    for (const other of others.splice(0)) await other.close();
    await ledger?.close();
  });
  return scene;
}

import type { PaymentState } from '../domain/payment-state.ts';
import type { Webhook } from '../domain/webhook.ts';
import type { Delivery, Outbox, UnreadableEvent, WaitingEvents } from '../store/outbox.ts';
import { encodeMessage } from './message.ts';
import { ATTEMPT_MS, type Post } from './post.ts';
import { nextAttemptAt, TRIED_FOR_MS } from './retry.ts';

/** How often a process looks for due events, in milliseconds. */
const ROUND_MS = 1000;
/** Lease of a process on the events that it took, in milliseconds: an attempt, and time to record its result. */
export const HOLD_MS = ATTEMPT_MS + 5_000;
/** Most messages to one receiver that are under way in one process. */
const AT_ONCE = 8;
/**
 * Age at which an event is deleted whether it was tried or not, in milliseconds. It is twice the time that it is tried
 * for: after a gateway was off for days, or behind a long backlog, there is time to try each once.
 */
export const KEPT_FOR_MS = 2 * TRIED_FOR_MS;
/** Old events that are deleted at once, and the number of rounds between two deletions. */
const PRUNED_AT_ONCE = 500;
const PRUNE_ROUNDS = 60;

/** The result of an attempt. */
export type AttemptOutcome =
  | { readonly kind: 'delivered' }
  /** Tried again at `nextAt`, Unix milliseconds. */
  | { readonly kind: 'failed'; readonly status: number | undefined; readonly fault: unknown; readonly nextAt: number }
  /** The receiver wants no more events (410). */
  | { readonly kind: 'gone' }
  | { readonly kind: 'given_up'; readonly status: number | undefined; readonly fault: unknown };

/** Results that the messenger reports. Must not throw. */
export interface MessengerNotes {
  attempted(hook: Webhook, delivery: Delivery, outcome: AttemptOutcome): void;
  /** An event cannot be sent: its row is damaged. It stays where it is. */
  unreadable(hook: Webhook, event: UnreadableEvent): void;
  /** Events of a receiver were deleted that it has not been told. */
  expired(hook: Webhook, count: number): void;
  waits(waiting: WaitingEvents): void;
  /** The store was unavailable; it is asked again. */
  trouble(fault: unknown): void;
}

/** The parts of the messenger. */
export interface MessengerDeps {
  readonly outbox: Outbox;
  /** The receivers at this moment. */
  readonly webhooks: () => readonly Webhook[];
  readonly post: Post;
  readonly notes: MessengerNotes;
  /** Unix milliseconds. */
  readonly clock: () => number;
  /** From 0 up to 1. */
  readonly random: () => number;
}

/** The messages under way to one receiver. */
interface Lane {
  readonly open: Set<Promise<void>>;
  /** The taking that is under way. */
  taking: Promise<void> | undefined;
  /** There may be more that is due than was taken. */
  more: boolean;
}

/**
 * Sends the events of the outbox to receivers, at least once. Every process runs one; the outbox gives each event to
 * one of them at a time. No request waits for it, and receivers do not wait for each other.
 */
export class Messenger {
  readonly #deps: MessengerDeps;
  readonly #stopping = new AbortController();
  readonly #lanes = new Map<string, Lane>();
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  #rounds = 0;

  constructor(deps: MessengerDeps) {
    this.#deps = deps;
  }

  /** Starts sending due events. */
  start(): void {
    this.#running = this.#round().then(() => {
      if (this.#stopping.signal.aborted) return;
      this.#timer = setTimeout(() => this.start(), ROUND_MS);
      this.#timer.unref();
    });
  }

  /** Checks now instead of in the next round when a payment took a step that may have an event. */
  heed({ to, settled }: { readonly to: PaymentState; readonly settled: boolean }): void {
    if (!settled && to !== 'defaulted' && to !== 'unknown') return;
    for (const hook of this.#deps.webhooks()) void this.#fill(hook);
  }

  /** Aborts the messages under way. Other processes can send them at once. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    clearTimeout(this.#timer);
    await this.#running;
    await Promise.all([...this.#lanes.values()].map(({ taking }) => taking));
    await Promise.all([...this.#lanes.values()].flatMap(({ open }) => [...open]));
    await this.#deps.post.close();
  }

  async #round(): Promise<void> {
    const { outbox, webhooks, notes } = this.#deps;
    const hooks = webhooks();
    await Promise.all(hooks.map((hook) => this.#fill(hook)));
    await this.#attempt(async () => notes.waits(await outbox.waiting(hooks.map(({ id }) => id))));
    if (this.#rounds % PRUNE_ROUNDS === 0) await this.#attempt(() => this.#prune(hooks));
    this.#rounds += 1;
  }

  /**
   * Deletes old events: those of receivers that were removed from the configuration, and those that could not be tried
   * because too many others were. The latter are reported.
   */
  async #prune(hooks: readonly Webhook[]): Promise<void> {
    const { outbox, notes, clock } = this.#deps;
    const now = clock();
    const receivers = await outbox.pruneEvents(now - KEPT_FOR_MS, now, PRUNED_AT_ONCE);
    for (const hook of hooks) {
      const count = receivers.filter((id) => id === hook.id).length;
      if (count > 0) notes.expired(hook, count);
    }
  }

  /** Takes events up to the limit of messages under way to a receiver; one taking at a time. */
  async #fill(hook: Webhook): Promise<void> {
    const lane = this.#lanes.get(hook.id) ?? { open: new Set(), taking: undefined, more: false };
    this.#lanes.set(hook.id, lane);
    lane.more = true;
    lane.taking ??= this.#attempt(async () => {
      try {
        await this.#take(hook, lane);
      } finally {
        lane.taking = undefined;
      }
    });
    await lane.taking;
  }

  async #take(hook: Webhook, lane: Lane): Promise<void> {
    const { outbox, notes, clock } = this.#deps;
    while (lane.more && lane.open.size < AT_ONCE && !this.#stopping.signal.aborted) {
      lane.more = false;
      const free = AT_ONCE - lane.open.size;
      const { deliveries, unreadable } = await outbox.takeDue(hook.id, clock(), HOLD_MS, free);
      lane.more ||= deliveries.length + unreadable.length === free;
      for (const event of unreadable) notes.unreadable(hook, event);
      for (const delivery of deliveries) this.#begin(hook, lane, delivery);
    }
  }

  #begin(hook: Webhook, lane: Lane, delivery: Delivery): void {
    const under = this.#attempt(() => this.#deliver(hook, delivery)).then(() => {
      lane.open.delete(under);
      if (lane.more && !this.#stopping.signal.aborted) void this.#fill(hook);
    });
    lane.open.add(under);
  }

  async #deliver(hook: Webhook, delivery: Delivery): Promise<void> {
    const { outbox, post, notes, clock } = this.#deps;
    const { signal } = this.#stopping;
    let status: number | undefined;
    let fault: unknown;
    try {
      status = await post.send(hook.url, encodeMessage(delivery.event, hook, clock()), signal);
    } catch (error) {
      // Not the receiver's fault: another process starts again.
      if (signal.aborted) return await outbox.postpone(delivery, clock());
      fault = error;
    }
    const outcome = this.#judge(delivery, status, fault);
    notes.attempted(hook, delivery, outcome);
    if (outcome.kind === 'failed') await outbox.postpone(delivery, outcome.nextAt);
    else await outbox.forget(delivery);
  }

  #judge({ attempt, event }: Delivery, status: number | undefined, fault: unknown): AttemptOutcome {
    if (status !== undefined && status >= 200 && status < 300) return { kind: 'delivered' };
    if (status === 410) return { kind: 'gone' };
    const { clock, random } = this.#deps;
    const nextAt = nextAttemptAt(attempt, event.createdAt, clock(), random());
    return nextAt === undefined ? { kind: 'given_up', status, fault } : { kind: 'failed', status, fault, nextAt };
  }

  async #attempt(act: () => Promise<unknown>): Promise<void> {
    try {
      await act();
    } catch (fault) {
      this.#deps.notes.trouble(fault);
    }
  }
}

import { setTimeout as wait } from 'node:timers/promises';
import { OPEN } from '../../src/domain/payment-state.ts';
import { buy, type Market, type Story } from './buyer.ts';
import { type Evidence, readChain, readRows } from './evidence.ts';
import { type Death, execute } from './executioner.ts';
import type { GatewayProcess, LogLine } from './gateway-process.ts';
import { findViolations, type Violation } from './invariants.ts';
import type { JudgeKind } from './judge.ts';
import { type Scale, type Schedule, scheduleOf } from './schedule.ts';
import type { StoreKind } from './store-place.ts';
import { askPrices, openWorld, type World } from './world.ts';

/** What to run. */
export interface CrashOptions extends Scale {
  readonly store: StoreKind;
  readonly facilitator: JudgeKind;
  /** Called with the progress. */
  readonly progress: (line: string) => void;
}

/** The result of a run. */
export interface CrashResult {
  readonly violations: readonly Violation[];
  readonly deaths: readonly Death[];
  readonly evidence: Evidence;
  readonly seconds: number;
}

/** Interval between two checks for open payments in the ledger, in milliseconds. */
const POLL_MS = 250;
/** How long payments may stay open, in milliseconds: a killed process counts as gone after 15 s, several times in a row. */
const LONGEST_REST_MS = 60_000;
/** How long buyers may take to collect after the last kill, in milliseconds. */
const LONGEST_COLLECTION_MS = 30_000;

/**
 * Runs the schedule of a seed: buyers pay while the gateway is killed again and again; then it runs without kills, finishes
 * what is open, all buyers collect, and the ledger, the chain, the API and the buyers are compared with each other.
 */
export async function runCrash(options: CrashOptions): Promise<CrashResult> {
  return await runSchedule(scheduleOf(options), options);
}

/** Runs a schedule that may be made by hand; the seed only makes the payers' keys then. */
export async function runSchedule(
  schedule: Schedule,
  options: Pick<CrashOptions, 'seed' | 'payers' | 'store' | 'facilitator' | 'progress'>,
): Promise<CrashResult> {
  const startedAt = performance.now();
  const world = await openWorld(options.store, options.facilitator, options.seed, options.payers, schedule.purchases);
  try {
    const run = new Run(schedule, world, options);
    const evidence = await run.play();
    const seconds = (performance.now() - startedAt) / 1000;
    return { violations: findViolations(evidence), deaths: run.deaths, evidence, seconds };
  } finally {
    await world.close();
  }
}

class Run {
  readonly deaths: Death[] = [];
  readonly #schedule: Schedule;
  readonly #world: World;
  readonly #facilitator: JudgeKind;
  readonly #progress: (line: string) => void;
  readonly #log: LogLine[] = [];
  readonly #lives: readonly PromiseWithResolvers<void>[];
  readonly #calm = Promise.withResolvers<void>();

  constructor(
    schedule: Schedule,
    world: World,
    { facilitator, progress }: Pick<CrashOptions, 'facilitator' | 'progress'>,
  ) {
    this.#schedule = schedule;
    this.#world = world;
    this.#facilitator = facilitator;
    this.#progress = progress;
    this.#lives = schedule.kills.map(() => Promise.withResolvers<void>());
  }

  async play(): Promise<Evidence> {
    const market = await this.#openMarket();
    const stories = Promise.all(this.#schedule.purchases.map((purchase) => buy(purchase, market)));
    for (const kill of this.#schedule.kills) {
      const gateway = this.#begin();
      const opened = this.#lives[this.#world.timeline.life - 1];
      gateway.listening.then(() => opened?.resolve()).catch(() => {});
      const death = await execute(kill, gateway, this.#world, market);
      opened?.resolve();
      this.deaths.push(death);
      this.#log.push(...gateway.log);
      this.#progress(`life ${this.deaths.length}: ${describe(death)}, ${gateway.log.length} log lines`);
    }
    return await this.#rest(stories, market);
  }

  /** One more life, which ends only when all is settled. */
  async #rest(buying: Promise<readonly Story[]>, market: Market): Promise<Evidence> {
    const gateway = this.#begin();
    await gateway.listening;
    await this.#untilAtRest();
    this.#progress('calm: the ledger is at rest, those who gave up come back');
    this.#calm.resolve();
    const closing = setTimeout(() => {
      market.closed = true;
    }, LONGEST_COLLECTION_MS);
    const stories = await buying;
    clearTimeout(closing);
    await this.#untilAtRest();
    const exitCode = await gateway.stop();
    this.#log.push(...gateway.log);
    const [chain, rows] = await Promise.all([readChain(this.#world), readRows(this.#world)]);
    const { calls } = this.#world.api;
    const { broadcasts } = this.#world.tap;
    const { length: killed } = this.deaths;
    const facilitator = this.#facilitator;
    return { facilitator, chain, rows, stories, calls, broadcasts, log: this.#log, killed, exitCode };
  }

  /** A payment that stays open for too long is reported by the invariants, with its details. */
  async #untilAtRest(): Promise<void> {
    const deadline = performance.now() + LONGEST_REST_MS;
    while (performance.now() < deadline) {
      const [open] = await this.#world.ledger.list({ states: OPEN }, undefined, 1);
      if (open === undefined) return;
      await wait(POLL_MS);
    }
  }

  #begin(): GatewayProcess {
    this.#world.timeline.life += 1;
    return this.#world.startGateway();
  }

  /** The prices are asked for in a life before the first. */
  async #openMarket(): Promise<Market> {
    const { timeline, payers, url } = this.#world;
    const gateway = this.#world.startGateway();
    await gateway.listening;
    const prices = await askPrices(url);
    await gateway.stop();
    return {
      ...{ url, timeline, payers },
      calm: this.#calm.promise,
      opened: async (life) => await this.#lives[life - 1]?.promise,
      onPaidHead: () => {},
      closed: false,
      requirementOf({ route }) {
        const price = prices.get(route.prefix);
        if (price === undefined) throw new Error(`${route.prefix} has no price`);
        return price;
      },
    };
  }
}

function describe({ kill, onTime, agedMs }: Death): string {
  const { kind, ...when } = kill;
  const facts = Object.entries(when).map(([name, value]) => `${name} ${value}`);
  return `${kind} (${facts.join(', ')})${onTime ? '' : ', which did not come'}, ${Math.round(agedMs)} ms old`;
}

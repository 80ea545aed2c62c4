import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodePaymentRequiredHeader } from '@x402/core/http';
import { Random } from '../crash/random.ts';
import { type BuiltPackage, buildPackage } from '../support/built-package.ts';
import type { Requirement } from '../support/payment-header.ts';
import { type Holdings, startWatchedGateway, type WatchedGateway } from '../support/watched-gateway.ts';
import { startFuzzApi } from './api.ts';
import { type Manner, PATIENT, type Reaction, send } from './attack.ts';
import { CaseMaker, type FuzzCase } from './cases.ts';
import { startFuzzFacilitator } from './facilitator.ts';
import { HonestClients } from './honest.ts';
import { minimised } from './minimise.ts';
import { priceTable, UPSTREAM_CONNECTIONS } from './price-table.ts';
import { readLog } from './read-log.ts';
import { Violations } from './violations.ts';
import { Wallet } from './wallet.ts';

/** The options of a run. */
export interface FuzzTerms {
  readonly seed: number;
  readonly ms: number;
  readonly store: 'memory' | 'sqlite';
  readonly progress: (line: string) => void;
}

/** The result of a run. */
export interface FuzzResult {
  readonly violations: Violations;
  /** The cases of the violations, minimised. */
  readonly failing: readonly { readonly kind: string; readonly bytes: Buffer }[];
  readonly cases: Readonly<Record<FuzzCase['kind'], number>>;
  readonly statuses: Readonly<Record<string, number>>;
  readonly honest: HonestClients;
  readonly calls: { readonly free: number; readonly paid: number };
  readonly facilitator: { readonly verify: number; readonly settle: number };
  readonly warm: Holdings;
  readonly end: Holdings;
}

/** Attackers and honest clients at the same time. */
const ATTACKERS = 12;
const HONEST = 4;
/** Cases whose bytes are kept, so that a violation that is seen later can name them. */
const KEPT_CASES = 2000;
/** Memory growth that is allowed between warm-up and end. Runs without faults use half of it. */
const MORE_HEAP_BYTES = 24 * 1024 * 1024;
const MORE_RSS_BYTES = 96 * 1024 * 1024;
/** Descriptors that may be open besides those of the start: connections kept to three upstream pools and a facilitator. */
const MORE_DESCRIPTORS = 3 * UPSTREAM_CONNECTIONS + 32;
/** How long the gateway may take to release all resources, in milliseconds. */
const SETTLE_MS = 20_000;

/** Sends requests to a gateway for a while, and reports the violations. */
export async function runFuzz(terms: FuzzTerms): Promise<FuzzResult> {
  const built = await buildPackage();
  const folder = mkdtempSync(join(tmpdir(), 'turnpike-fuzz-'));
  try {
    return await new FuzzRun(terms).run(built, folder);
  } finally {
    built.remove();
    rmSync(folder, { recursive: true, force: true });
  }
}

class FuzzRun {
  readonly #terms: FuzzTerms;
  readonly #violations = new Violations();
  readonly #kept = new Map<string, Buffer>();
  readonly #cases = { drawn: 0, mutated: 0, tunnel: 0 };
  readonly #statuses: Record<string, number> = {};
  #wallet: Wallet | undefined;

  constructor(terms: FuzzTerms) {
    this.#terms = terms;
  }

  async run(built: BuiltPackage, folder: string): Promise<FuzzResult> {
    const violations = this.#violations;
    const wallet = (): Wallet => this.#signed();
    const [api, facilitator] = await Promise.all([
      startFuzzApi(wallet, violations),
      startFuzzFacilitator(wallet, violations),
    ]);
    const store = this.#terms.store === 'memory' ? 'memory' : `sqlite:${join(folder, 'ledger.db')}`;
    const surroundings = { apiUrl: api.url, facilitatorUrl: facilitator.url, store };
    const config = priceTable({ ...surroundings, upstreamConnections: UPSTREAM_CONNECTIONS });
    const onLine = (line: string): void => readLog(line, violations);
    const gateway = await startWatchedGateway({ command: built.command, folder, config, onLine });
    try {
      const atStart = gateway.descriptors();
      this.#wallet = new Wallet(new Random(this.#terms.seed + 1), await requirementOf(gateway.url));
      const { honest, warm } = await this.#throwThings(gateway);
      const end = await this.#holdingsAtEnd(gateway, atStart, warm);
      const failing = await this.#minimiseAll(gateway);
      const { counts: calls } = api;
      return {
        violations,
        failing,
        cases: this.#cases,
        statuses: this.#statuses,
        honest,
        calls,
        facilitator: facilitator.counts,
        warm,
        end,
      };
    } finally {
      await gateway.stop();
      await Promise.all([api.close(), facilitator.close()]);
    }
  }

  #signed(): Wallet {
    if (this.#wallet === undefined) throw new Error('nothing is signed before the price is known');
    return this.#wallet;
  }

  async #throwThings(gateway: WatchedGateway): Promise<{ honest: HonestClients; warm: Holdings }> {
    const { seed, ms, progress } = this.#terms;
    const endsAt = performance.now() + ms;
    const isOver = (): boolean => performance.now() >= endsAt || gateway.ended() !== undefined;
    const honest = new HonestClients(gateway.port, this.#signed(), new Random(seed + 2), this.#violations);
    const maker = new CaseMaker(seed, this.#signed());
    const lanes = [
      ...Array.from({ length: ATTACKERS }, () => this.#attack(gateway, maker, isOver)),
      ...Array.from({ length: HONEST }, () => honest.goOn(isOver)),
    ];
    const ticker = setInterval(() => {
      const { drawn, mutated, tunnel } = this.#cases;
      const found = this.#violations.kept.length;
      progress(`${drawn + mutated + tunnel} cases, ${honest.latencies.length} honest requests, ${found} violations`);
    }, 30_000);
    // Caches and compiled code exist after a fifth of the time; growth after that is a leak.
    await new Promise((resolve) => setTimeout(resolve, ms / 5));
    const warm = await gateway.holdings();
    await Promise.all(lanes);
    clearInterval(ticker);
    honest.close();
    return { honest, warm };
  }

  async #attack(gateway: WatchedGateway, maker: CaseMaker, isOver: () => boolean): Promise<void> {
    while (!isOver()) {
      const one = await maker.next();
      this.#cases[one.kind] += 1;
      this.#kept.set(one.id, one.bytes);
      const [oldest] = this.#kept.keys();
      if (this.#kept.size > KEPT_CASES && oldest !== undefined) this.#kept.delete(oldest);
      const reaction = await send(gateway.port, one.bytes, one.manner);
      this.#look(one, reaction, gateway);
    }
  }

  #look({ id, kind, bytes, manner }: FuzzCase, { received, ended }: Reaction, gateway: WatchedGateway): void {
    const end = gateway.ended();
    if (end !== undefined) {
      if (this.#violations.count('the process ended') === 0) this.#violations.add('the process ended', end, id);
      return;
    }
    const text = received.toString('latin1');
    const status = /^HTTP\/1\.1 (\d{3})/.exec(text)?.[1];
    this.#statuses[status ?? 'none'] = (this.#statuses[status ?? 'none'] ?? 0) + 1;
    if (text.includes('"internal_error"')) this.#violations.add('internal error', text.slice(0, 2000), id);
    if (manner === PATIENT && !ended) this.#violations.add('hang', bytes.toString('latin1').slice(0, 2000), id);
    if (kind === 'drawn' && ended && status === undefined) this.#violations.add('no answer', text.slice(0, 500), id);
    for (const [, payer = ''] of text.matchAll(/sold to (0x[0-9a-f]{40})/g)) {
      const payment = this.#signed().of(payer);
      const isOwed = payment?.onCredit === true;
      if (!isOwed && payment?.settled !== 1) this.#violations.add('answered before the money moved', payer, id);
    }
  }

  async #holdingsAtEnd(gateway: WatchedGateway, atStart: number, warm: Holdings): Promise<Holdings> {
    if (gateway.ended() !== undefined) return warm;
    const until = performance.now() + SETTLE_MS;
    while (gateway.descriptors() > atStart + MORE_DESCRIPTORS && performance.now() < until) {
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    const end = await gateway.holdings();
    if (end.descriptors > atStart + MORE_DESCRIPTORS) {
      this.#violations.add('descriptors are left open', `${atStart} at the start, ${end.descriptors} at the end`);
    }
    for (const [kind, more] of [
      ['heapBytes', MORE_HEAP_BYTES],
      ['rssBytes', MORE_RSS_BYTES],
    ] as const) {
      if (end[kind] > warm[kind] + more)
        this.#violations.add('memory grows', `${kind}: ${warm[kind]} warm, ${end[kind]} at the end`);
    }
    return end;
  }

  async #minimiseAll(gateway: WatchedGateway): Promise<FuzzResult['failing']> {
    const failing: { kind: string; bytes: Buffer }[] = [];
    const manner: Manner = { ...PATIENT, patienceMs: 300 };
    for (const { kind, caseId } of this.#violations.kept.slice(0, 4)) {
      const bytes = this.#kept.get(caseId ?? '');
      if (bytes === undefined) continue;
      const fails = async (shorter: Buffer): Promise<boolean> => {
        if (gateway.ended() !== undefined) return false;
        const before = this.#violations.count(kind);
        const one: FuzzCase = { id: 'minimised', kind: 'mutated', bytes: shorter, manner, payment: undefined };
        this.#look(one, await send(gateway.port, shorter, manner), gateway);
        return this.#violations.count(kind) > before;
      };
      failing.push({ kind, bytes: await minimised(bytes, fails) });
    }
    return failing;
  }
}

/** The offer of a priced route. */
export async function requirementOf(url: string): Promise<Requirement> {
  const response = await fetch(`${url}/after/1`);
  await response.arrayBuffer();
  const [accepted] = decodePaymentRequiredHeader(response.headers.get('payment-required') ?? '').accepts;
  if (accepted === undefined) throw new Error(`status ${response.status} without an offer`);
  return { ...accepted };
}

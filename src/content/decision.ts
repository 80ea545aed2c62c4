import {
  type Condition,
  fitsPattern,
  isOfBody,
  type Subject,
  subjectKey,
  type ValueTest,
  type When,
} from '../domain/when.ts';
import { conditionsOf, type Entry } from './decision-entry.ts';
import { type Fact, type Facts, passes } from './fact.ts';
import { GRAPHQL_POINTERS } from './graphql-request.ts';
import { JSONRPC_POINTERS } from './jsonrpc-calls.ts';
import { mistakable, nearlyPasses } from './near-miss.ts';
import { type PointerTree, pointerTree } from './pointer-tree.ts';
import { TextIndex } from './text-index.ts';

/** Something that is chosen by conditions. */
export interface Choice {
  readonly when: When;
}

/** The result of the head of a request: a choice, none, or that the body decides. */
export type ByHead<C> =
  | { readonly kind: 'chosen'; readonly choice: C }
  | { readonly kind: 'none' }
  /** `possible`: the choices that can still fit, up to the first that needs no body. */
  | { readonly kind: 'body'; readonly possible: readonly C[] };

/** Whether conditions hold: `nearly` where one of them would hold at a lenient API only. */
type Fit = 'exactly' | 'nearly' | 'not';

/**
 * Chooses the first entry whose conditions all hold. Where many entries compare one value for equality, that value is
 * looked up: a hundred of them cost as much as three.
 */
export class Decision<C extends Choice> {
  /** What has to be read of a body. */
  readonly pointers: PointerTree;
  /** The members at the top of a body that conditions ask for by a pointer, or for something within them. */
  readonly members: readonly string[];
  /** Whether a list of calls is priced call by call. */
  readonly byCall: boolean;
  /** Whether requests are calls of JSON-RPC. */
  readonly isJsonrpc: boolean;
  /** Whether requests are GraphQL. */
  readonly isGraphql: boolean;
  readonly #entries: readonly Entry<C>[];
  readonly #index: TextIndex<C> | undefined;
  readonly #isDearer: (one: C, other: C) => boolean;
  /** By subject, the texts and patterns that conditions ask for as they are. */
  readonly #written = new Map<string, Set<string>>();
  /** The result for every head, where no condition reads the head. */
  readonly #byAnyHead: ByHead<C> | undefined;

  /** @param isDearer whether a request could cost more by one choice than by another */
  constructor(choices: readonly C[], isDearer: (one: C, other: C) => boolean) {
    this.#isDearer = isDearer;
    this.#entries = choices.map((choice) => ({
      choice,
      head: choice.when.filter(({ subject }) => !isOfBody(subject)),
      body: choice.when.filter(({ subject }) => isOfBody(subject)),
    }));
    const subjects = choices.flatMap(({ when }) => when.map(({ subject }) => subject));
    this.isGraphql = subjects.some(({ kind }) => kind === 'graphql');
    this.isJsonrpc = subjects.some(({ kind }) => kind === 'jsonrpc');
    this.byCall = this.isGraphql || this.isJsonrpc;
    this.pointers = pointerTree(subjects.flatMap(pointersOf));
    this.members = [
      ...pointerTree(subjects.flatMap((each) => (each.kind === 'json' ? [each.pointer] : []))).children.keys(),
    ];
    this.#index = TextIndex.of(this.#entries);
    for (const condition of choices.flatMap(({ when }) => when)) this.#noteWritten(condition);
    if (this.#entries.every(({ head }) => head.length === 0)) this.#byAnyHead = this.#chooseByHead(NO_FACTS);
  }

  /**
   * Chooses by the head alone, as far as that goes.
   *
   * @throws GatewayError `request_ambiguous` as {@link first}
   */
  byHead(facts: Facts): ByHead<C> {
    return this.#byAnyHead ?? this.#chooseByHead(facts);
  }

  /**
   * Chooses by head and body; `undefined` where nothing fits.
   *
   * @throws GatewayError `request_ambiguous`, `body_ambiguous` where a lenient API would find a dearer choice
   */
  first(facts: Facts): C | undefined {
    const missed: C[] = [];
    const found = this.#firstOf(facts, missed);
    if (found !== undefined) this.#refuseDearer(found, missed);
    return found;
  }

  /** @param missed gets the choices before it that nearly fit */
  #firstOf(facts: Facts, missed: C[]): C | undefined {
    const index = this.#index;
    if (index === undefined) {
      return this.#entries.find((entry) => this.#takes(entry, this.#fitOf(conditionsOf(entry), facts), missed))?.choice;
    }
    for (const { entry, how } of index.candidates(facts.of(index.subject))) {
      const fit = this.#fitOf(conditionsOf(entry), facts);
      if (this.#takes(entry, fit === 'exactly' ? how : fit, missed)) return entry.choice;
    }
    return undefined;
  }

  #takes({ choice }: Entry<C>, fit: Fit, missed: C[]): boolean {
    if (fit === 'nearly') missed.push(choice);
    return fit === 'exactly';
  }

  #chooseByHead(facts: Facts): ByHead<C> {
    const possible: C[] = [];
    const missed: C[] = [];
    for (const entry of this.#entries) {
      const { choice, head, body } = entry;
      if (!this.#takes(entry, this.#fitOf(head, facts), missed)) continue;
      if (body.length === 0 && possible.length === 0) {
        this.#refuseDearer(choice, missed);
        return { kind: 'chosen', choice };
      }
      possible.push(choice);
      if (body.length === 0) break;
    }
    return possible.length === 0 ? { kind: 'none' } : { kind: 'body', possible: [...possible, ...missed] };
  }

  #fitOf(conditions: readonly Condition[], facts: Facts): Fit {
    let fit: Fit = 'exactly';
    for (const { subject, test } of conditions) {
      const fact = facts.of(subject);
      if (passes(test, fact, subject)) continue;
      if (!nearlyPasses(test, fact, subject) || this.#isWritten(test, fact, subject)) return 'not';
      fit = 'nearly';
    }
    return fit;
  }

  /** Where two spellings have prices, the API tells them apart: `qwen*` and `Qwen/*`, or `DEAR` and `dear`. */
  #isWritten(test: ValueTest, fact: Fact, subject: Subject): boolean {
    if (!('text' in fact)) return false;
    const written = this.#written.get(subjectKey(subject)) ?? NONE_WRITTEN;
    if (written.has(fact.text)) return true;
    for (const pattern of written) {
      const front = pattern.split('*', 1)[0] ?? '';
      // Of a pattern that begins otherwise, such as `*`, the other spelling is no part.
      if (front === pattern || !fitsPattern(pattern, fact.text)) continue;
      const asFront = { kind: 'text', text: front } as const;
      if (nearlyPasses(test, asFront, subject) && !passes(test, asFront, subject)) return true;
    }
    return false;
  }

  #noteWritten({ subject, test }: Condition): void {
    if (test.kind !== 'texts') return;
    const key = subjectKey(subject);
    const known = this.#written.get(key) ?? new Set();
    for (const pattern of test.patterns) known.add(pattern);
    this.#written.set(key, known);
  }

  #refuseDearer(found: C, missed: readonly C[]): void {
    const dearer = missed.find((each) => this.#isDearer(each, found));
    if (dearer !== undefined) throw mistakable(dearer.when);
  }
}

const NONE_WRITTEN: ReadonlySet<string> = new Set();

const NO_FACTS: Facts = {
  of({ kind }) {
    throw new Error(`nothing is known of ${kind}`);
  },
};

function pointersOf(subject: Subject): readonly string[] {
  if (subject.kind === 'json') return [subject.pointer];
  if (subject.kind === 'graphql') return GRAPHQL_POINTERS;
  return subject.kind === 'jsonrpc' ? JSONRPC_POINTERS : [];
}

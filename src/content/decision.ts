import { type Condition, isOfBody, type Subject, subjectKey, type When } from '../domain/when.ts';
import { type Facts, passes, textOf } from './fact.ts';
import { GRAPHQL_POINTERS } from './graphql-request.ts';
import { JSONRPC_POINTERS } from './jsonrpc-calls.ts';
import { type PointerTree, pointerTree } from './pointer-tree.ts';

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

/** A choice with its conditions, those of the head first. */
interface Entry<C> {
  readonly choice: C;
  readonly head: readonly Condition[];
  readonly body: readonly Condition[];
}

/** Entries that ask one subject for exact texts, by text; all others are candidates for every text. */
interface Index<C> {
  readonly subject: Subject;
  readonly byText: ReadonlyMap<string, readonly number[]>;
  readonly others: readonly number[];
  /** Without the conditions that were looked up. */
  readonly entries: readonly Entry<C>[];
}

/**
 * Chooses the first entry whose conditions all hold. Where many entries compare one value for equality, that value is
 * looked up: a hundred of them cost as much as three.
 */
export class Decision<C extends Choice> {
  /** What has to be read of a body. */
  readonly pointers: PointerTree;
  /** The members at the top of a body that conditions ask for by a pointer. */
  readonly members: readonly string[];
  /** Whether a list of calls is priced call by call. */
  readonly byCall: boolean;
  /** Whether requests are calls of JSON-RPC. */
  readonly isJsonrpc: boolean;
  /** Whether requests are GraphQL. */
  readonly isGraphql: boolean;
  readonly #entries: readonly Entry<C>[];
  readonly #index: Index<C> | undefined;
  /** The result for every head, where no condition reads the head. */
  readonly #byAnyHead: ByHead<C> | undefined;

  constructor(choices: readonly C[]) {
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
    this.members = [...pointerTree(subjects.flatMap((each) => (each.kind === 'json' ? [each.pointer] : []))).children]
      .filter(([, { pointer }]) => pointer !== undefined)
      .map(([name]) => name);
    this.#index = indexOf(this.#entries);
    if (this.#entries.every(({ head }) => head.length === 0)) this.#byAnyHead = chooseByHead(this.#entries, NO_FACTS);
  }

  /** Chooses by the head alone, as far as that goes. */
  byHead(facts: Facts): ByHead<C> {
    return this.#byAnyHead ?? chooseByHead(this.#entries, facts);
  }

  /** Chooses by head and body; `undefined` where nothing fits. */
  first(facts: Facts): C | undefined {
    const index = this.#index;
    if (index === undefined) return this.#entries.find((entry) => holdsAll(entry, facts))?.choice;
    const { subject, byText, others, entries } = index;
    const text = textOf(facts.of(subject), subject);
    const fitting = (text === undefined ? undefined : byText.get(text)) ?? NOTHING;
    // Two ascending lists, taken as one.
    for (let one = 0, other = 0; ; ) {
      const at = Math.min(fitting[one] ?? entries.length, others[other] ?? entries.length);
      const entry = entries[at];
      if (entry === undefined) return undefined;
      if (holdsAll(entry, facts)) return entry.choice;
      if (fitting[one] === at) one += 1;
      else other += 1;
    }
  }
}

const NOTHING: readonly number[] = [];

const NO_FACTS: Facts = {
  of({ kind }) {
    throw new Error(`nothing is known of ${kind}`);
  },
};

function chooseByHead<C>(entries: readonly Entry<C>[], facts: Facts): ByHead<C> {
  const possible: C[] = [];
  for (const { choice, head, body } of entries) {
    if (!holds(head, facts)) continue;
    if (body.length === 0 && possible.length === 0) return { kind: 'chosen', choice };
    possible.push(choice);
    if (body.length === 0) break;
  }
  return possible.length === 0 ? { kind: 'none' } : { kind: 'body', possible };
}

function pointersOf(subject: Subject): readonly string[] {
  if (subject.kind === 'json') return [subject.pointer];
  if (subject.kind === 'graphql') return GRAPHQL_POINTERS;
  return subject.kind === 'jsonrpc' ? JSONRPC_POINTERS : [];
}

function holdsAll<C>({ head, body }: Entry<C>, facts: Facts): boolean {
  return holds(head, facts) && holds(body, facts);
}

function holds(conditions: readonly Condition[], facts: Facts): boolean {
  return conditions.every(({ subject, test }) => passes(test, facts.of(subject), subject));
}

/**
 * An index by the subject that most entries test for equality; `undefined` below three of them, where it does not pay.
 */
function indexOf<C>(entries: readonly Entry<C>[]): Index<C> | undefined {
  const counts = new Map<string, { readonly subject: Subject; count: number }>();
  for (const entry of entries) {
    for (const condition of [...entry.head, ...entry.body]) {
      if (exactTexts(condition) === undefined) continue;
      const key = subjectKey(condition.subject);
      const known = counts.get(key) ?? { subject: condition.subject, count: 0 };
      known.count += 1;
      counts.set(key, known);
    }
  }
  const [best] = [...counts.values()].sort((one, other) => other.count - one.count);
  if (best === undefined || best.count < 3) return undefined;
  const key = subjectKey(best.subject);
  const byText = new Map<string, number[]>();
  const others: number[] = [];
  const rest = entries.map((entry, at) => {
    const indexed = [...entry.head, ...entry.body].find(
      (each) => subjectKey(each.subject) === key && exactTexts(each) !== undefined,
    );
    const texts = indexed && exactTexts(indexed);
    if (texts === undefined) others.push(at);
    for (const text of new Set(texts)) byText.set(text, [...(byText.get(text) ?? []), at]);
    const isLeft = (condition: Condition) => condition !== indexed;
    return { choice: entry.choice, head: entry.head.filter(isLeft), body: entry.body.filter(isLeft) };
  });
  return { subject: best.subject, byText, others, entries: rest };
}

function exactTexts({ test }: Condition): readonly string[] | undefined {
  return test.kind === 'texts' && test.patterns.every((pattern) => !pattern.includes('*')) ? test.patterns : undefined;
}

import { looseForm } from '../domain/fold-key.ts';
import { type Condition, type Subject, subjectKey } from '../domain/when.ts';
import { conditionsOf, type Entry, exactTexts } from './decision-entry.ts';
import { type Fact, textOf } from './fact.ts';
import { isConvertible, nearlyPasses } from './near-miss.ts';

/** Fewest entries for which an index costs less than it saves. */
const FEWEST = 3;

/** An entry that a value leads to. Its condition on that value holds: `nearly` where it holds at a lenient API only. */
export interface Candidate<C> {
  /** Without the condition that was looked up. */
  readonly entry: Entry<C>;
  readonly how: 'exactly' | 'nearly';
}

const NOTHING: readonly number[] = [];

/** Entries that ask one subject for exact texts, by text; all others are candidates for every text. */
export class TextIndex<C> {
  /** The subject whose value is looked up. */
  readonly subject: Subject;
  /** Without the conditions that are looked up. */
  readonly #entries: readonly Entry<C>[];
  /** The conditions that are looked up, by the place of their entry. */
  readonly #asked = new Map<number, Condition>();
  readonly #byText = new Map<string, number[]>();
  readonly #others: number[] = [];
  /** The loose forms of the texts; `undefined` where other values can be taken for some of them. */
  readonly #looseTexts: ReadonlySet<string> | undefined;

  private constructor(entries: readonly Entry<C>[], subject: Subject) {
    this.subject = subject;
    const key = subjectKey(subject);
    this.#entries = entries.map((entry, at) => {
      const asked = conditionsOf(entry).find(
        (each) => subjectKey(each.subject) === key && exactTexts(each) !== undefined,
      );
      if (asked === undefined) {
        this.#others.push(at);
        return entry;
      }
      this.#asked.set(at, asked);
      for (const text of new Set(exactTexts(asked))) this.#byText.set(text, [...(this.#byText.get(text) ?? []), at]);
      const isLeft = (condition: Condition): boolean => condition !== asked;
      return { choice: entry.choice, head: entry.head.filter(isLeft), body: entry.body.filter(isLeft) };
    });
    const isConverted = [...this.#asked.values()].some(({ test }) => isConvertible(test));
    this.#looseTexts = isConverted ? undefined : new Set([...this.#byText.keys()].map(looseForm));
  }

  /** An index by the subject that most entries test for equality; `undefined` where it does not pay. */
  static of<C>(entries: readonly Entry<C>[]): TextIndex<C> | undefined {
    const subject = mostAsked(entries);
    return subject && new TextIndex(entries, subject);
  }

  /**
   * The entries that a value leads to, in their order.
   *
   * @throws GatewayError `request_ambiguous`, `body_ambiguous` for a value that is no single one
   */
  *candidates(fact: Fact): Generator<Candidate<C>, void, undefined> {
    const text = textOf(fact, this.subject);
    const exact = text === undefined ? NOTHING : this.#byText.get(text);
    const how = exact === undefined ? 'nearly' : 'exactly';
    const asked = exact ?? this.#nearlyAsked(fact);
    // Two ascending lists, taken as one.
    for (let one = 0, other = 0; ; ) {
      const at = Math.min(asked[one] ?? this.#entries.length, this.#others[other] ?? this.#entries.length);
      const entry = this.#entries[at];
      if (entry === undefined) return;
      if (asked[one] === at) {
        one += 1;
        yield { entry, how };
      } else {
        other += 1;
        yield { entry, how: 'exactly' };
      }
    }
  }

  /** The entries that would be looked up with a value at a lenient API. */
  #nearlyAsked(fact: Fact): readonly number[] {
    if (!('text' in fact)) return NOTHING;
    if (this.#looseTexts !== undefined && !this.#looseTexts.has(looseForm(fact.text))) return NOTHING;
    return [...this.#asked].filter(([, { test }]) => nearlyPasses(test, fact, this.subject)).map(([at]) => at);
  }
}

/** The subject that most entries test for equality; `undefined` below {@link FEWEST} of them. */
function mostAsked(entries: readonly Entry<unknown>[]): Subject | undefined {
  const counts = new Map<string, { readonly subject: Subject; count: number }>();
  for (const condition of entries.flatMap(conditionsOf)) {
    if (exactTexts(condition) === undefined) continue;
    const key = subjectKey(condition.subject);
    const known = counts.get(key) ?? { subject: condition.subject, count: 0 };
    known.count += 1;
    counts.set(key, known);
  }
  const [best] = [...counts.values()].sort((one, other) => other.count - one.count);
  return best === undefined || best.count < FEWEST ? undefined : best.subject;
}

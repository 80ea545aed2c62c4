import type { Dimension, Figures } from '../../domain/rate.ts';
import type { Facts } from '../read/facts.ts';

/** What an event means for the stream that it stands in. */
export type EventMeaning =
  | 'content'
  /** The model is done; what follows is bookkeeping. */
  | 'closing'
  /** The last event of the stream. */
  | 'last'
  /** The API says that it failed. */
  | 'failed';

/** The figures of an answer by the dialect's own names, as text; the last one that is not `null` counts. */
export type Fields = ReadonlyMap<string, string>;

/** Where a request says how many tokens its answer may have. */
export interface OutputLimit {
  /** Members that do so, as paths; any of them counts, and the first is the one that is put in. */
  readonly members: readonly (readonly string[])[];
  /** The member that says how many answers are asked for at once; empty: there is none. */
  readonly answers: readonly string[];
  /** Whether a negative number means that there is no limit. */
  readonly negativeIsNone: boolean;
}

/** How one API family tells what was used. Exact places only, each read as text. */
export interface Dialect {
  readonly name: string;
  /** What it can tell. */
  readonly dimensions: readonly Dimension[];
  /** The figures: RFC 6901 pointers into a document or an event, each with the name of its field. */
  readonly fields: Readonly<Record<string, string>>;
  /** Where the model that answered is named. */
  readonly model: readonly string[];
  /** Where the text that was made stands: what an estimate goes by when a buyer leaves. */
  readonly output: readonly string[];
  /** Other places that {@link meaning} and {@link complete} look at. */
  readonly marks: readonly string[];
  /** Where requests of a path name a limit of output tokens for a model; `undefined` where they cannot. */
  limit(path: string, model: string): OutputLimit | undefined;
  /** What a document or event means for the answer. */
  meaning(facts: Facts): EventMeaning;
  /** Disjoint figures; `undefined` when a figure is absent that must be there, or is none. */
  figures(fields: Fields): Figures | undefined;
}

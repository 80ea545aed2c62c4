import type { Dimension, Figures } from '../../domain/rate.ts';
import type { Facts } from '../read/facts.ts';

/** The meaning of an event for its stream. */
export type EventMeaning =
  | 'content'
  /** The model is done; what follows is bookkeeping. */
  | 'closing'
  /** The last event of the stream. */
  | 'last'
  /** The API reports that it failed. */
  | 'failed';

/** The figures of an answer by the dialect's own names, as text; the last one that is not `null` counts. */
export type Fields = ReadonlyMap<string, string>;

/** The place of the output limit in a request. */
export interface OutputLimit {
  /** Members that do so, as paths; any of them counts, and the first is the one that is put in. */
  readonly members: readonly (readonly string[])[];
  /** The members with the number of answers that are made at once, as paths: the largest counts. Empty: there is none. */
  readonly answers: readonly (readonly string[])[];
  /** The member that may be a list of prompts, each with answers of its own; absent: there is none. */
  readonly prompts?: readonly string[];
  /** Whether a negative number means that there is no limit. */
  readonly negativeIsNone: boolean;
}

/** How one API family states its use. Exact places only, each read as text. */
export interface Dialect {
  readonly name: string;
  /** What it can tell. */
  readonly dimensions: readonly Dimension[];
  /** The figures: RFC 6901 pointers into a document or an event, each with the name of its field. */
  readonly fields: Readonly<Record<string, string>>;
  /**
   * Whether a figure of a stream never falls, so that a zero after more says nothing: servers write one in the last event
   * for what the first one stated.
   */
  readonly onlyRises: boolean;
  /** Where the model that answered is named. */
  readonly model: readonly string[];
  /**
   * The places of the generated output, by which use is estimated when a buyer leaves. Names that servers give to the
   * same text, some of them at once, are one list: the longest counts.
   */
  readonly output: readonly (readonly string[])[];
  /** Those of them with an image or a sound in base64, which takes far more bytes to a token than text. */
  readonly media?: ReadonlySet<string>;
  /** Other places that {@link meaning} and {@link complete} look at. */
  readonly marks: readonly string[];
  /** Where requests of a path name a limit of output tokens for a model; `undefined` where they cannot. */
  limit(path: string, model: string): OutputLimit | undefined;
  /** What a document or event means for the answer. */
  meaning(facts: Facts): EventMeaning;
  /** Whether an event holds usage and nothing that the model said; absent where no request asks for such events. */
  isUsageAlone?(facts: Facts): boolean;
  /**
   * Disjoint figures; `undefined` when a required figure is absent or invalid.
   *
   * @param model that answered, as it names itself
   */
  figures(fields: Fields, model: string | undefined): Figures | undefined;
}

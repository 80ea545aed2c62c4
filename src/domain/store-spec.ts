import type { Parsed } from './price.ts';

/** Where payments are remembered. */
export interface StoreSpec {
  /** The kind of store, such as `sqlite`. */
  readonly kind: string;
  /** Where it is, as its kind reads it: a path relative to the working directory, a URL. May hold a password. */
  readonly location: string;
  /** Whether what it keeps outlives this process and can be seen by others. */
  readonly lasting: boolean;
}

/** How a kind of store is written in a configuration. */
export interface StoreForm {
  /** The name of the kind. */
  readonly name: string;
  /** One way to write it, for messages. */
  readonly example: string;
  /** Regular expression (ECMA-262) of what is written, for editors; {@link parse} decides. */
  readonly pattern: string;
  /** See {@link StoreSpec.lasting}. */
  readonly lasting: boolean;
  /** Whether a text is meant for this kind, right or wrong. */
  isMeant(given: string): boolean;
  /** Reads a text that is meant for this kind, into a location. No message shows the text, which may hold a password. */
  parse(given: string): Parsed<string>;
}

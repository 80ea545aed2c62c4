/**
 * The codes that settlements are attributed to on chain, by ERC-8021. They do not affect whether a payment is valid.
 */
export interface BuilderCode {
  /** The code of the application that is paid. */
  readonly app: string;
  /** Codes of services that take part in it. */
  readonly services: readonly string[];
}

/** Most services that a seller may name. */
export const MOST_SERVICES = 5;

/** The form of a code, as a regular expression. */
export const BUILDER_CODE_FORM = '[a-z0-9_]{1,32}';

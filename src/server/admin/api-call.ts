import type { JsonObject } from '../../domain/x402.ts';
import { AdminRefusal } from './admin-refusal.ts';

/** Longest text of a call, in characters: keys, accounts and URLs are shorter. */
const MOST_CHARACTERS = 2_000;
/** Largest page. */
const MOST_ROWS = 200;
const DEFAULT_ROWS = 50;

/** One call of the API: its query, or for `POST` its body. */
export class ApiCall {
  readonly #query: URLSearchParams;
  readonly #body: JsonObject;

  constructor(query: URLSearchParams, body: JsonObject = {}) {
    this.#query = query;
    this.#body = body;
  }

  /** A text of the query; an empty one counts as absent. */
  text(name: string): string | undefined {
    const given = this.#query.getAll(name).filter((value) => value !== '');
    if (given.length > 1) throw new AdminRefusal('bad_request', `${name} is given more than once`);
    return bounded(name, given[0]);
  }

  /** A whole number of the query. */
  number(name: string, least: number, most: number): number | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
    if (value >= least && value <= most) return value;
    throw new AdminRefusal('bad_request', `${name} is a whole number from ${least} to ${most}`);
  }

  /** The number of rows on a page. */
  get limit(): number {
    return this.number('limit', 1, MOST_ROWS) ?? DEFAULT_ROWS;
  }

  /** A required text of the body. */
  required(name: string): string {
    const value = this.optional(name);
    if (value === undefined || value === '') throw new AdminRefusal('bad_request', `${name} is missing`);
    return bounded(name, value) ?? '';
  }

  /** An optional text of the body. */
  optional(name: string): string | undefined {
    const value = this.#body[name];
    if (value === undefined || typeof value === 'string') return value;
    throw new AdminRefusal('bad_request', `${name} is no text`);
  }
}

function bounded(name: string, value: string | undefined): string | undefined {
  if (value === undefined || value.length <= MOST_CHARACTERS) return value;
  throw new AdminRefusal('bad_request', `${name} has at most ${MOST_CHARACTERS} characters`);
}

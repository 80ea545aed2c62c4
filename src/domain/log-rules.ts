import type { StatusRange } from './charge-rule.ts';

/** Levels of the log, the most detailed first. */
export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;

/** What is logged, and what not. */
export interface LogRules {
  readonly level: (typeof LOG_LEVELS)[number];
  /** Share of the lines of requests below status 500 that are written, from 0 to 1. */
  readonly sample: number;
  /** Requests that ended with these are not written. */
  readonly skip: readonly StatusRange[];
  /** Whether the client's address is part of a request's line. */
  readonly clientAddress: boolean;
}

/** Whether a request that ended with this status gets a line; `chance` is from 0 to 1. */
export function isLogged({ sample, skip }: LogRules, status: number, chance: () => number): boolean {
  if (skip.some(({ from, to }) => from <= status && status <= to)) return false;
  return status >= 500 || sample >= 1 || chance() < sample;
}

/** The rules as the file writes them. */
export function logText({ level, sample, skip }: LogRules): string {
  const statuses = skip.map(({ from, to }) => (from === to ? String(from) : `${from / 100}xx`));
  return `${level}, ${sample * 100}% of the requests${statuses.length === 0 ? '' : `, but ${statuses.join(', ')}`}`;
}

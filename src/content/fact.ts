import { GatewayError } from '../domain/gateway-error.ts';
import { compareNumbers, plainNumber } from '../domain/plain-number.ts';
import { fitsPattern, isOfBody, type Subject, subjectKey, type ValueTest } from '../domain/when.ts';
import { bodyAmbiguous } from './json-fault.ts';

/** The value of one subject in a request. */
export type Fact =
  | { readonly kind: 'absent' }
  | { readonly kind: 'text'; readonly text: string }
  /** A number in its one spelling. */
  | { readonly kind: 'number'; readonly text: string }
  /** A JSON `true` or `false`. */
  | { readonly kind: 'word'; readonly text: string }
  /** An object or a list. */
  | { readonly kind: 'structure' };

/** Nothing is there. */
export const ABSENT: Fact = { kind: 'absent' };

/** What is known of a request. */
export interface Facts {
  /** @throws GatewayError `request_ambiguous`, `body_ambiguous` where it can be read in two ways */
  of(subject: Subject): Fact;
}

/**
 * Whether a value of the request passes a test.
 *
 * @throws GatewayError `request_ambiguous`, `body_ambiguous` for a value that some API would convert to one that
 *   passes, and others would not
 */
export function passes(test: ValueTest, fact: Fact, subject: Subject): boolean {
  switch (test.kind) {
    case 'present':
      return fact.kind !== 'absent';
    case 'absent':
      return fact.kind === 'absent';
    case 'texts': {
      const text = textOf(fact, subject);
      return text !== undefined && test.patterns.some((pattern) => fitsPattern(pattern, text));
    }
    case 'range': {
      const number = numberOf(fact, subject);
      if (number === undefined) return false;
      const { min, max } = test;
      if (min !== undefined && compareNumbers(number, min) < 0) return false;
      return max === undefined || compareNumbers(number, max) <= 0;
    }
  }
}

/** The text for comparison; `undefined` where there is none. */
export function textOf(fact: Fact, subject: Subject): string | undefined {
  if (fact.kind === 'absent') return undefined;
  if (fact.kind === 'structure') throw ambiguous(subject, 'a single value is expected, not an object or a list');
  return fact.text;
}

function numberOf(fact: Fact, subject: Subject): string | undefined {
  if (fact.kind === 'absent') return undefined;
  if (fact.kind === 'number') return fact.text;
  // Of `1000e-3`, which is 1, readers such as JavaScript's `parseInt` make 1000.
  const isWritten = !isOfBody(subject) && fact.kind === 'text' && !/e/i.test(fact.text);
  const number = isWritten ? plainNumber(fact.text) : undefined;
  if (number === undefined) throw ambiguous(subject, 'a number is expected');
  return number;
}

function ambiguous(subject: Subject, wrong: string): GatewayError {
  return ambiguity([subject], `${subjectKey(subject)}: ${wrong}.`);
}

/** The fault of a request that can be read in two ways by these subjects. `detail` is one sentence about what is wrong. */
export function ambiguity(subjects: readonly Subject[], detail: string): GatewayError {
  return subjects.some(isOfBody) ? bodyAmbiguous(detail) : new GatewayError('request_ambiguous', { detail });
}

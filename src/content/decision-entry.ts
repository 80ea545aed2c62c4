import type { Condition } from '../domain/when.ts';

/** A choice with its conditions, those of the head first. */
export interface Entry<C> {
  readonly choice: C;
  readonly head: readonly Condition[];
  readonly body: readonly Condition[];
}

/** All conditions of an entry. */
export function conditionsOf({ head, body }: Entry<unknown>): readonly Condition[] {
  return head.length === 0 ? body : [...head, ...body];
}

/** The texts that a condition compares with, where each is compared as a whole; else `undefined`. */
export function exactTexts({ test }: Condition): readonly string[] | undefined {
  return test.kind === 'texts' && test.patterns.every((pattern) => !pattern.includes('*')) ? test.patterns : undefined;
}

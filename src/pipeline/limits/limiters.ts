import { AnswerRoom } from './answer-room.ts';
import { BodyRoom } from './body-room.ts';
import { PaymentBudget } from './payment-budget.ts';
import { RefusalMemory } from './refusal-memory.ts';
import { UnpaidCalls } from './unpaid-calls.ts';

/**
 * What a process remembers of its clients against abuse. It lives as long as the process; the bounds are the plan's.
 */
export interface Limiters {
  readonly budget: PaymentBudget;
  readonly refusals: RefusalMemory;
  readonly unpaidCalls: UnpaidCalls;
  readonly answers: AnswerRoom;
  readonly bodies: BodyRoom;
}

/** Limiters without any memory yet. `clock` gives Unix milliseconds. */
export function createLimiters(clock: () => number): Limiters {
  return {
    budget: new PaymentBudget(clock),
    refusals: new RefusalMemory(clock),
    unpaidCalls: new UnpaidCalls(),
    answers: new AnswerRoom(),
    bodies: new BodyRoom(),
  };
}

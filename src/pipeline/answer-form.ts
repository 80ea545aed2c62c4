import type { Answer } from '../domain/answer.ts';
import type { ErrorCode } from '../domain/gateway-error.ts';
import type { McpPrice } from '../protocol/mcp-form.ts';
import type { SettlementNotice } from './stages.ts';

/** A refusal or a fault before it has the form that its client reads. */
export interface Told {
  readonly code: ErrorCode;
  /** In HTTP. */
  readonly status: number;
  /** For people. */
  readonly detail: string | undefined;
  /** What each protocol says of the price; empty where it is not stated. */
  readonly prices: readonly McpPrice[];
}

/** What is sent of a refusal or a fault. */
export interface ToldBody {
  readonly status: number;
  readonly contentType: string;
  readonly text: string;
}

/** The form of the gateway's own answers for clients that read messages, and no heads. */
export interface AnswerForm {
  /** A refusal or a fault; `undefined` for a client that reads it as HTTP has it. */
  told(told: Told): ToldBody | undefined;
  /** A stored answer of the API, which its buyer collects. */
  kept(answer: Answer, notice: SettlementNotice | undefined): Answer;
}

import type { Answer } from '../domain/answer.ts';
import type { ErrorCode } from '../domain/gateway-error.ts';
import type { McpPrice } from '../protocol/mcp-form.ts';
import type { SettlementNotice } from './stages.ts';

/** A refusal or a fault, before it takes the form that its client reads. */
export interface Told {
  readonly code: ErrorCode;
  /** Status of HTTP. */
  readonly status: number;
  /** Text for people. */
  readonly detail: string | undefined;
  /** What each protocol says of the price; empty where the price is not stated. */
  readonly prices: readonly McpPrice[];
}

/** The answer that is sent for a refusal or a fault. */
export interface ToldBody {
  readonly status: number;
  readonly contentType: string;
  readonly text: string;
}

/** The form of the gateway's own answers for clients that read messages instead of heads. */
export interface AnswerForm {
  /** A refusal or a fault; `undefined` for a client that reads it as plain HTTP. */
  told(told: Told): ToldBody | undefined;
  /** A stored answer of the API, which its buyer collects. */
  kept(answer: Answer, notice: SettlementNotice | undefined): Answer;
}

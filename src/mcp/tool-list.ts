import { isRecord } from '../domain/exact-json.ts';
import type { Json, JsonObject } from '../domain/x402.ts';
import { isAnswer, parsed } from './call-answer.ts';
import { splitEvents, withData } from './event-stream.ts';

/** What a model is told of a tool's price. */
export interface ToldPrice {
  /** `0.01 USDC`. */
  readonly text: string;
  /** One requirement for each way to pay. */
  readonly accepts: readonly JsonObject[];
}

/** Where a tool's price stands in its `_meta`; no standard names it. */
export const PRICE_META = 'x402/price';

/** What is written into the tools of a list. */
export interface ToolNotes {
  /** `undefined` for a tool that is free. */
  priceOf(tool: string): ToldPrice | undefined;
  /** Whether the description says it too. */
  readonly inDescription: boolean;
  /** Is told of each tool, and whether it has an output schema. */
  seen(tool: string, hasOutputSchema: boolean): void;
}

/** A body that answers `tools/list`, with prices; `undefined` where there is no list in it. */
export function annotateTools(body: string, isStream: boolean, notes: ToolNotes): string | undefined {
  if (!isStream) {
    const message = parsed(body);
    return hasTools(message) ? JSON.stringify(annotated(message, notes)) : undefined;
  }
  const { events, rest } = splitEvents(body);
  let changed = false;
  const text = events.map((event) => {
    const message = event.data === undefined ? undefined : parsed(event.data);
    if (!hasTools(message)) return event.raw;
    changed = true;
    return withData(event, JSON.stringify(annotated(message, notes)));
  });
  return changed ? text.join('') + rest : undefined;
}

type ToolListMessage = JsonObject & { readonly result: JsonObject & { readonly tools: readonly Json[] } };

function hasTools(message: Json | undefined): message is ToolListMessage {
  return isAnswer(message) && isRecord(message['result']) && Array.isArray(message['result']['tools']);
}

function annotated(message: ToolListMessage, notes: ToolNotes): JsonObject {
  const tools = message.result.tools.map((tool) => (isRecord(tool) ? annotatedTool(tool, notes) : tool));
  return { ...message, result: { ...message.result, tools } };
}

function annotatedTool(tool: JsonObject, notes: ToolNotes): JsonObject {
  const { name, description, _meta } = tool;
  if (typeof name !== 'string') return tool;
  notes.seen(name, tool['outputSchema'] !== undefined);
  const price = notes.priceOf(name);
  if (price === undefined) return withoutTasks(tool);
  const own = isRecord(_meta) ? _meta : {};
  const told = notes.inDescription
    ? { description: `${typeof description === 'string' ? `${description} ` : ''}(costs ${price.text} a call)` }
    : {};
  return {
    ...withoutTasks(tool),
    ...told,
    _meta: { ...own, [PRICE_META]: { price: price.text, accepts: price.accepts } },
  };
}

/** Calls are not run as tasks here: clients shall not choose it for a tool that works without. */
function withoutTasks(tool: JsonObject): JsonObject {
  const { execution } = tool;
  if (!isRecord(execution) || execution['taskSupport'] !== 'optional') return tool;
  return { ...tool, execution: { ...execution, taskSupport: 'forbidden' } };
}

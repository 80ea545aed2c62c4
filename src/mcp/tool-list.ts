import { isRecord } from '../domain/exact-json.ts';
import type { Json, JsonObject } from '../domain/x402.ts';
import { isAnswer, parsed } from './call-answer.ts';
import { splitEvents, withData } from './event-stream.ts';
import type { KnownTool, KnownTools } from './known-tools.ts';
import { type ToolTexts, toolTextsIn } from './tool-texts.ts';

/** The price of a tool, as models see it. */
export interface ToldPrice {
  /** `0.01 USDC`. */
  readonly text: string;
  /** One requirement for each way to pay. */
  readonly accepts: readonly JsonObject[];
}

/** The member of a tool's `_meta` with its price; no standard names one. */
export const PRICE_META = 'x402/price';

/** What is written into the tools of a list. */
export interface ToolNotes {
  /** `undefined` for a tool that is free. */
  priceOf(tool: string): ToldPrice | undefined;
  /** Whether the description states it, too. */
  readonly inDescription: boolean;
  /** Tools that were read before with the same notes. */
  readonly known: KnownTools;
  /** Called with each tool, and whether it has an output schema. */
  seen(tool: string, hasOutputSchema: boolean): void;
}

/** A body that answers `tools/list`, with prices; `undefined` where there is no list in it. */
export function annotateTools(body: Buffer, isStream: boolean, notes: ToolNotes): Buffer | undefined {
  const text = body.toString('utf8');
  const told = isStream ? annotatedStream(text, notes) : annotatedText(text, notes);
  return told === undefined ? undefined : Buffer.from(told, 'utf8');
}

function annotatedStream(body: string, notes: ToolNotes): string | undefined {
  const { events, rest } = splitEvents(body);
  let changed = false;
  const text = events.map((event) => {
    const told = event.data === undefined ? undefined : annotatedText(event.data, notes);
    if (told === undefined) return event.raw;
    changed = true;
    return withData(event, told);
  });
  return changed ? text.join('') + rest : undefined;
}

/** The text of a message with prices. Only tools that are not known yet are read. */
function annotatedText(text: string, notes: ToolNotes): string | undefined {
  if (!text.includes('"tools"')) return undefined;
  const found = toolTextsIn(text);
  const tools = found?.tools.map((tool) => toolOf(tool, notes));
  if (found !== undefined && isComplete(tools)) return withTools(text, found, tools, notes);
  const message = parsed(text);
  return hasTools(message) ? JSON.stringify(annotated(message, notes)) : undefined;
}

function isComplete(tools: readonly (KnownTool | undefined)[] | undefined): tools is readonly KnownTool[] {
  return tools?.every((each) => each !== undefined) === true;
}

/** The text with its tools priced. The list is kept for the next client that asks. */
function withTools(text: string, { from, to }: ToolTexts, tools: readonly KnownTool[], notes: ToolNotes): string {
  const told = tools.map((tool) => tool.told).join(',');
  const withSchema: string[] = [];
  for (const { name, hasOutputSchema } of tools) {
    if (name === undefined) continue;
    notes.seen(name, hasOutputSchema);
    if (hasOutputSchema) withSchema.push(name);
  }
  const bytes = Buffer.from(text.slice(from, to), 'utf8');
  notes.known.lists.keep({ bytes, told: Buffer.from(told, 'utf8'), withSchema });
  return text.slice(0, from) + told + text.slice(to);
}

function toolOf(text: string, notes: ToolNotes): KnownTool | undefined {
  return notes.known.of(text, (unknown) => {
    const read = parsed(unknown);
    return read === undefined ? undefined : knownTool(read, notes);
  });
}

function knownTool(tool: Json, notes: ToolNotes): KnownTool {
  const name = isRecord(tool) && typeof tool['name'] === 'string' ? tool['name'] : undefined;
  if (!isRecord(tool) || name === undefined)
    return { told: JSON.stringify(tool), name: undefined, hasOutputSchema: false };
  const hasOutputSchema = tool['outputSchema'] !== undefined;
  return { told: JSON.stringify(annotatedTool(tool, name, notes)), name, hasOutputSchema };
}

type ToolListMessage = JsonObject & { readonly result: JsonObject & { readonly tools: readonly Json[] } };

function hasTools(message: Json | undefined): message is ToolListMessage {
  return isAnswer(message) && isRecord(message['result']) && Array.isArray(message['result']['tools']);
}

function annotated(message: ToolListMessage, notes: ToolNotes): JsonObject {
  const tools = message.result.tools.map((tool) => {
    if (!isRecord(tool) || typeof tool['name'] !== 'string') return tool;
    notes.seen(tool['name'], tool['outputSchema'] !== undefined);
    return annotatedTool(tool, tool['name'], notes);
  });
  return { ...message, result: { ...message.result, tools } };
}

function annotatedTool(
  tool: JsonObject,
  name: string,
  notes: Pick<ToolNotes, 'priceOf' | 'inDescription'>,
): JsonObject {
  const { description, _meta } = tool;
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

/** Calls are not run as tasks here: clients must not choose that for a tool that works without. */
function withoutTasks(tool: JsonObject): JsonObject {
  const { execution } = tool;
  if (!isRecord(execution) || execution['taskSupport'] !== 'optional') return tool;
  return { ...tool, execution: { ...execution, taskSupport: 'forbidden' } };
}

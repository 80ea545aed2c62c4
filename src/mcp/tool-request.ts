import type { ApiTool, BodyForm, QueryStyle, ToolArgument } from '../domain/api-tool.ts';
import { isRecord } from '../domain/exact-json.ts';
import type { Json, JsonObject } from '../domain/x402.ts';
import { sortedMembers } from './sorted-members.ts';

/** The request of the API behind a tool call. */
export interface ToolRequest {
  readonly method: string;
  /** Path and query, percent-encoded, perhaps not canonical: the stage that serves it checks that. */
  readonly target: string;
  /** Headers, beside those that every request has. */
  readonly fields: readonly (readonly [name: string, value: string])[];
  readonly body: Buffer | undefined;
}

/** A request, or what is wrong with the arguments, for the model that wrote them. */
export type ToolRequestResult =
  | { readonly ok: true; readonly request: ToolRequest }
  | { readonly ok: false; readonly wrong: string };

/** Longest request target, in characters. */
const MOST_TARGET = 8 * 1024;
/** Longest value of a header, in characters. */
const MOST_FIELD = 2 * 1024;
const FIELD_VALUE = /^[\t\x20-\x7e]*$/;

/** Says what is wrong with arguments. */
class ArgumentFault extends Error {}

/**
 * Writes the request of a call, to which its payment is bound. Members of a JSON body are sorted by name. Members that
 * become parameters keep their order, so that a repetition needs the same order.
 *
 * No argument leaves its place: values are percent-encoded, a parameter of a path is one segment, neither empty nor `.`
 * nor `..`. The result is a request that any client could send. It is matched and priced like one.
 */
export function toolRequest(tool: ApiTool, given: JsonObject): ToolRequestResult {
  try {
    return { ok: true, request: writeRequest(tool, given) };
  } catch (fault) {
    if (fault instanceof ArgumentFault) return { ok: false, wrong: fault.message };
    throw fault;
  }
}

interface Draft {
  method: string;
  readonly path: Map<string, string>;
  readonly query: string[];
  readonly fields: (readonly [name: string, value: string])[];
  body: Buffer | undefined;
}

function writeRequest(tool: ApiTool, given: JsonObject): ToolRequest {
  const known = new Set(tool.arguments.map(({ name }) => name));
  const unknown = Object.keys(given).find((name) => !known.has(name));
  if (unknown !== undefined) throw new ArgumentFault(`There is no argument ${JSON.stringify(unknown.slice(0, 100))}.`);
  const draft: Draft = { method: tool.method, path: new Map(), query: [], fields: [], body: undefined };
  for (const argument of tool.arguments) {
    // Models send null for what they leave out.
    const value = Object.hasOwn(given, argument.name) ? (given[argument.name] ?? undefined) : undefined;
    if (value !== undefined) place(draft, argument, value);
    else if (argument.required) throw new ArgumentFault(`The argument ${argument.name} is missing.`);
  }
  const query = draft.query.length === 0 ? '' : `?${draft.query.join('&')}`;
  const target = filled(tool.template, draft.path) + query;
  if (target.length > MOST_TARGET) throw new ArgumentFault(`The URL is longer than ${MOST_TARGET} characters.`);
  return { method: draft.method, target, fields: draft.fields, body: draft.body };
}

function place(draft: Draft, { name, place: at }: ToolArgument, value: Json): void {
  switch (at.kind) {
    case 'method': {
      const method = textOf(name, value);
      if (!at.methods.includes(method)) throw new ArgumentFault(`${name} is one of ${at.methods.join(', ')}.`);
      draft.method = method;
      return;
    }
    case 'path':
      draft.path.set(at.name, at.rest ? restOf(name, value) : listedSegment(name, value));
      return;
    case 'query':
      draft.query.push(...queryParts(at.name, value, at.style, name));
      return;
    case 'any_query':
      if (!isRecord(value)) throw new ArgumentFault(`${name} is an object.`);
      for (const [key, each] of Object.entries(value)) draft.query.push(...queryParts(key, each, PLAIN, name));
      return;
    case 'header':
      draft.fields.push([
        at.name,
        fieldOf(
          name,
          itemsOf(value)
            .map((each) => textOf(name, each))
            .join(','),
        ),
      ]);
      return;
    case 'body':
      draft.body = bodyOf(name, value, at.form);
      draft.fields.push(['Content-Type', at.mimeType]);
  }
}

const PLAIN: QueryStyle = { delimiter: undefined, deep: false };

/** The path with its parameters in place. The template's own characters are escaped where a path needs it. */
function filled(template: string, values: ReadonlyMap<string, string>): string {
  const parts = template.split(/(\{[^{}]*\})/);
  const path = parts.map((part) => {
    if (!part.startsWith('{')) return part.replace(/[^A-Za-z0-9\-._~!$&'()*+,=:@%/]/gu, encoded);
    return values.get(part.slice(1, -1)) ?? '';
  });
  // An empty rest of the path leaves no slash at the end.
  const whole = path.join('');
  const last = lastName(template);
  return last !== '' && !values.get(last) && whole.length > 1 ? whole.replace(/\/$/, '') : whole;
}

function lastName(template: string): string {
  return /\/\{([^{}]*)\}$/.exec(template)?.[1] ?? '';
}

/** The items of a list, which the style `simple` of OpenAPI joins by commas; any other value is the only item. */
function itemsOf(value: Json): readonly Json[] {
  return Array.isArray(value) ? value : [value];
}

function listedSegment(name: string, value: Json): string {
  const items = itemsOf(value).map((each) => textOf(name, each));
  if (items.length < 2) return segmentOf(name, items.join());
  return items.map(encoded).join(',');
}

function segmentOf(name: string, text: string): string {
  if (text === '' || text === '.' || text === '..') {
    throw new ArgumentFault(`${name} is a part of the path: it cannot be ${JSON.stringify(text)}.`);
  }
  return encoded(text);
}

function restOf(name: string, value: Json): string {
  const text = textOf(name, value).replace(/^\//, '');
  return text === ''
    ? ''
    : text
        .split('/')
        .map((segment) => segmentOf(name, segment))
        .join('/');
}

/** OpenAPI 3.1 §4.8.12.2. */
function queryParts(key: string, value: Json, { delimiter, deep }: QueryStyle, name: string): readonly string[] {
  const pair = (member: string, each: Json): string => `${encoded(member)}=${encoded(textOf(name, each))}`;
  if (value === null) return [];
  if (Array.isArray(value)) {
    if (delimiter === undefined) return value.map((each: Json) => pair(key, each));
    const joined = value.map((each: Json) => encoded(textOf(name, each))).join(delimiter === ' ' ? '%20' : delimiter);
    return [`${encoded(key)}=${joined.replaceAll('|', '%7C')}`];
  }
  if (!isRecord(value)) return [pair(key, value)];
  const members = Object.entries(value).filter(([, each]) => each !== null);
  return members.map(([member, each]) => pair(deep ? `${key}[${member}]` : member, each));
}

function fieldOf(name: string, text: string): string {
  if (text.length > MOST_FIELD || !FIELD_VALUE.test(text)) {
    throw new ArgumentFault(`${name} is sent as a header: printable ASCII of up to ${MOST_FIELD} characters.`);
  }
  return text;
}

function bodyOf(name: string, value: Json, form: BodyForm): Buffer {
  switch (form) {
    case 'json':
      return Buffer.from(JSON.stringify(sortedMembers(value)), 'utf8');
    case 'text':
      return Buffer.from(textOf(name, value), 'utf8');
    case 'form': {
      if (!isRecord(value)) throw new ArgumentFault(`${name} is an object.`);
      const pairs = Object.entries(value).flatMap(([key, each]) => queryParts(key, each, PLAIN, name));
      return Buffer.from(pairs.join('&'), 'utf8');
    }
  }
}

/** A value for a URL or a header. Numbers keep their text. */
function textOf(name: string, value: Json): string {
  if (typeof value === 'string') return value;
  if (Array.isArray(value) || isRecord(value) || value === null) {
    throw new ArgumentFault(`${name} is a text, a number, true or false.`);
  }
  return JSON.stringify(value);
}

function encoded(text: string): string {
  if (!text.isWellFormed()) throw new ArgumentFault('A text holds half a character.');
  return encodeURIComponent(text);
}

import type { CallBody } from '../domain/discovery.ts';
import { isJsonObject } from '../domain/payment.ts';
import type { StatedCalls } from '../domain/stated-calls.ts';
import type { Json, JsonObject } from '../domain/x402.ts';
import { complete, type Decoder, map } from './decoder.ts';
import { byKind } from './forms.ts';
import { jsonMap, jsonValue } from './json-value.ts';
import type { Place, Source } from './source.ts';
import { text, word } from './text.ts';

const EXPECTS = 'a map such as {input: {query: {units: metric}}, output: {celsius: 7}}, or off';
const INPUT_EXPECTS = 'a map such as {query: {units: metric}} or {body: {city: Oslo}}';
const QUERY_EXPECTS = 'a map of names and values, such as {units: metric}';
const MAX_DESCRIPTION = 2000;
/** Longest example, in characters of JSON: it is in every copy of a document, and in a 402 where that has room. */
const MAX_EXAMPLE = 4000;
/** Most lists and maps within each other: a client sends back what a 402 tells it, in a header that goes to 32 with its own ten. */
const MAX_DEPTH = 20;

const description = text({
  expects: `a text of up to ${MAX_DESCRIPTION} characters`,
  schema: { minLength: 1, maxLength: MAX_DESCRIPTION + 1 },
  multiline: true,
  parse: (given) => {
    const right = `a text of up to ${MAX_DESCRIPTION} characters`;
    const said = given.trim();
    if (said === '') return { ok: false, wrong: 'this is empty', right };
    return said.length <= MAX_DESCRIPTION
      ? { ok: true, value: said }
      : { ok: false, wrong: `this has ${said.length} characters`, right };
  },
});

/** An example that is short enough to be published. */
function shortEnough<T extends Json>(decoder: Decoder<T>): Decoder<T> {
  return {
    ...decoder,
    decode(at, source) {
      const value = decoder.decode(at, source);
      if (value === undefined) return undefined;
      const { length } = JSON.stringify(value);
      if (length <= MAX_EXAMPLE) return value;
      source.report(at, `the example has ${length} characters as JSON`, `an example of at most ${MAX_EXAMPLE}`);
      return undefined;
    },
  };
}

const query: Decoder<JsonObject> = {
  ...jsonMap(QUERY_EXPECTS),
  decode(at, source) {
    const values = jsonMap(QUERY_EXPECTS).decode(at, source);
    if (values === undefined) return undefined;
    const wrong = Object.entries(values).find(([, value]) => !isQueryValue(value));
    if (wrong === undefined) return values;
    source.report(at, `no query says the value of ${wrong[0].slice(0, 64)}`, 'a text, a number, true, false or a list');
    return undefined;
  },
};

function isQueryValue(value: Json): boolean {
  return Array.isArray(value) ? value.every(isScalar) : isScalar(value);
}

function isScalar(value: Json): boolean {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
}

/** The keys of a route's `discovery.input`. */
export const inputKeys = map(INPUT_EXPECTS, {
  query: { decoder: shortEnough(query), description: 'Values of the query that a call can be made with.' },
  body: {
    decoder: shortEnough(jsonValue('an example of the body, such as {city: Oslo}', MAX_DEPTH)),
    description: 'A body that a call can be made with.',
  },
  bodyType: {
    decoder: word(['json', 'form-data', 'text']),
    description: 'How the body is written. Default: `json`.',
  },
});

/** The keys of a route's `discovery`. */
export const routeDiscoveryKeys = map(EXPECTS, {
  description: {
    decoder: description,
    description: "What a call is for, in the documents. Default: the route's `description`, which the 402 has.",
  },
  input: {
    decoder: complete(inputKeys, inputOf),
    description: 'What goes in, by examples.',
    examples: [{ query: { units: 'metric' } }, { body: { city: 'Oslo' } }],
  },
  output: {
    decoder: shortEnough(jsonValue('an example of the answer, such as {celsius: 7}', MAX_DEPTH)),
    description: 'An example of the answer.',
    examples: [{ celsius: 7 }],
  },
});

interface Input {
  readonly query: JsonObject | undefined;
  readonly body: StatedCalls['body'];
}

/** A route's own description of its calls; `'off'` where nothing is published. */
export const routeDiscovery: Decoder<StatedCalls | 'off'> = byKind<StatedCalls | 'off'>(EXPECTS, {
  scalar: word(['off']),
  map: complete(routeDiscoveryKeys, ({ description: told, input, output }): StatedCalls => {
    return { description: told, query: input?.query, body: input?.body, output };
  }),
});

function inputOf(
  {
    query: values,
    body,
    bodyType,
  }: {
    readonly query: JsonObject | undefined;
    readonly body: Json | undefined;
    readonly bodyType: CallBody['type'] | undefined;
  },
  place: Place,
  source: Source,
): Input | undefined {
  if (body === undefined) {
    if (bodyType === undefined) return { query: values, body: undefined };
    source.report(place, 'there is a bodyType without a body', 'an example of the body, or the key left out');
    return undefined;
  }
  const type = bodyType ?? 'json';
  const right = BODY_RIGHT[type];
  if (right.fits(body)) return { query: values, body: { type, example: body } };
  source.report(place, `the body is no example of ${type}`, right.words);
  return undefined;
}

/** What an example of each type of body is. */
const BODY_RIGHT: Readonly<Record<CallBody['type'], { fits(body: Json): boolean; readonly words: string }>> = {
  json: { fits: () => true, words: 'any value' },
  'form-data': { fits: isJsonObject, words: 'a map such as {city: Oslo}' },
  text: { fits: (body) => typeof body === 'string', words: 'a text' },
};

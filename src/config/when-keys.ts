import { plainNumber } from '../domain/plain-number.ts';
import type { Parsed } from '../domain/price.ts';
import { agentTest, type Condition, type Subject, type ValueTest, type When } from '../domain/when.ts';
import { complete, type Decoder, map, mapped } from './decoder.ts';
import { byKind, type Entry, list, record, valuesOf } from './forms.ts';
import type { Place, Source } from './source.ts';
import { text, word } from './text.ts';

const TEST_RIGHT = 'a text with * for anything, a list of such, present, absent, or {min, max}';
const MOST_TEXT = 200;

const pattern: Decoder<string> = text({
  expects: 'a text with * for anything',
  schema: { type: ['string', 'number', 'boolean'] },
  bare: true,
  parse: (given): Parsed<string> => {
    const right = `a text of 1 to ${MOST_TEXT} characters`;
    if (given === '' || given.length > MOST_TEXT)
      return { ok: false, wrong: `the text has ${given.length} characters`, right };
    return { ok: true, value: given };
  },
});

const patterns = mapped(list(pattern, 'a list of texts', 1), valuesOf);

const bound: Decoder<string> = text({
  expects: 'a number such as 4096',
  schema: { type: ['string', 'number'] },
  bare: true,
  parse: (given): Parsed<string> => {
    const value = plainNumber(given);
    if (value !== undefined) return { ok: true, value };
    return { ok: false, wrong: `${JSON.stringify(given)} is not a number of up to 15 digits`, right: 'such as 4096' };
  },
});

/** The keys of a range. */
const rangeKeys = map(TEST_RIGHT, {
  min: { decoder: bound, description: 'The least, included.' },
  max: { decoder: bound, description: 'The most, included.' },
});

const range: Decoder<ValueTest> = complete(rangeKeys, ({ min, max }, place, source): ValueTest | undefined => {
  if (min !== undefined || max !== undefined) return { kind: 'range', min, max };
  if (isEmpty(place)) source.report(place, 'the range has no bounds', 'min, max, or both');
  return undefined;
});

const valueTest: Decoder<ValueTest> = byKind<ValueTest>(TEST_RIGHT, {
  scalar: mapped(pattern, (given): ValueTest => {
    return given === 'present' || given === 'absent' ? { kind: given } : texts([given]);
  }),
  list: mapped(patterns, texts),
  map: range,
});

/** A number is found however it is spelled in JSON. */
function texts(given: readonly string[]): ValueTest {
  return { kind: 'texts', patterns: [...new Set(given.flatMap((each) => [each, plainNumber(each) ?? each]))] };
}

const oneOrMore = (item: Decoder<string>, expects: string): Decoder<readonly string[]> =>
  byKind<readonly string[]>(expects, {
    scalar: mapped(item, (given): readonly string[] => [given]),
    list: mapped(list(item, expects, 1), valuesOf),
  });

/** `HEAD` is what `GET` is. */
const method = word(['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

/** The keys of `graphql`. */
const graphqlKeys = map('a map with kind, operation or field', {
  kind: {
    decoder: oneOrMore(word(['query', 'mutation', 'subscription']), 'query, mutation or subscription, or a list'),
    description: 'Kinds of operation.',
  },
  operation: {
    decoder: oneOrMore(pattern, 'a name of an operation, or a list; * for anything'),
    description: 'Names of operations. Clients choose them: price what they cannot choose, `field`.',
  },
  field: {
    decoder: oneOrMore(pattern, 'a name of a root field, or a list; * for anything'),
    description: 'Root fields, after fragments and aliases.',
  },
});

const GRAPHQL_PARTS = ['kind', 'operation', 'field'] as const;

const graphql: Decoder<readonly Condition[]> = complete(graphqlKeys, (values, place, source) => {
  const conditions = GRAPHQL_PARTS.flatMap((part): readonly Condition[] => {
    const given = values[part];
    return given === undefined
      ? []
      : [{ subject: { kind: 'graphql', part }, test: { kind: 'texts', patterns: given } }];
  });
  if (conditions.length > 0) return conditions;
  if (isEmpty(place)) source.report(place, 'there is no condition', 'kind, operation or field');
  return undefined;
});

const HEADER_NAME = /^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/;
const POINTER = /^(?:\/(?:[^~/]|~[01])*)+$/;

/** The keys of `when`. */
const whenKeys = map('a map of conditions such as {json: {/model: gpt-5}}', {
  method: {
    decoder: oneOrMore(method, 'a method such as POST, or a list'),
    description: 'Methods; `GET` is `HEAD` too.',
  },
  header: {
    decoder: record(valueTest, 'a map of header names', '^[A-Za-z0-9-]+$'),
    description: `Headers by name. Each value: ${TEST_RIGHT}.`,
    examples: [{ 'X-Tier': 'batch' }],
  },
  query: {
    decoder: record(valueTest, 'a map of keys of the query', '^.+$'),
    description: 'Keys of the query, decoded.',
    examples: [{ size: ['large', 'huge'] }],
  },
  json: {
    decoder: record(valueTest, 'a map of JSON pointers such as /model', '^/'),
    description:
      'Values of the JSON body by their pointer (RFC 6901); in a route that is priced by JSON-RPC calls, of each call. The body is read before the price is known, whatever its media type.',
    examples: [{ '/model': ['gpt-5-mini', 'gpt-5-nano'] }],
  },
  jsonrpc: {
    decoder: oneOrMore(pattern, 'a JSON-RPC method such as eth_call, or a list; * for anything'),
    description: 'Methods of JSON-RPC. A batch costs the sum of its calls; one call without a price refuses all of it.',
    examples: [['eth_call', 'eth_get*']],
  },
  graphql: {
    decoder: graphql,
    description:
      'The GraphQL operation that would run, in a body or in the URL. What asks for several root fields costs what the dearest of them does; a list of requests costs their sum.',
    examples: [{ field: 'report' }],
  },
  agent: {
    decoder: word(['bot', 'browser', 'verified']),
    description:
      'Who asks, by its User-Agent: `bot` for one that the library isbot knows, or none. Whoever wants to can send that of a browser. `verified` is a bot that signs its requests with a key in `agents`.',
  },
});

/** The conditions of a price. */
export const when: Decoder<When> = complete(whenKeys, (values, place, source): When | undefined => {
  const { method: methods, jsonrpc, agent } = values;
  const words = (subject: Subject, given: readonly string[] | undefined): readonly Condition[] =>
    given === undefined ? [] : [{ subject, test: { kind: 'texts', patterns: given } }];
  const conditions: readonly Condition[] = [
    ...words({ kind: 'method' }, methods),
    ...named(values.header, headerSubject, source),
    ...named(values.query, (name): Parsed<Subject> => ({ ok: true, value: { kind: 'query', name } }), source),
    ...(agent === undefined ? [] : [{ subject: { kind: 'agent' }, test: agentTest(agent) } as const]),
    ...words({ kind: 'jsonrpc' }, jsonrpc),
    ...(values.graphql ?? []),
    ...named(values.json, jsonSubject, source),
  ];
  if (conditions.length > 0) return conditions;
  // A key that is there without a value was reported before.
  if (isEmpty(place))
    source.report(place, 'there is no condition', 'a condition, or the key left out for the rest of the requests');
  return undefined;
});

const pointers = record(valueTest, 'a map of JSON pointers such as /error', '^/');

/** Conditions of a JSON body alone, by pointers: at least one. */
export const jsonConditions: Decoder<When> = {
  expects: pointers.expects,
  jsonSchema: { ...pointers.jsonSchema, minProperties: 1 },
  decode(at, source) {
    const entries = pointers.decode(at, source);
    if (entries === undefined) return undefined;
    if (entries.length === 0) source.report(at, 'there is no condition', 'a JSON pointer such as /error: present');
    const conditions = named(entries, jsonSubject, source);
    return conditions.length > 0 && conditions.length === entries.length ? conditions : undefined;
  },
};

/** Conditions whose keys are names of the operator's choice. */
function named(
  entries: readonly Entry<ValueTest>[] | undefined,
  subjectOf: (name: string) => Parsed<Subject>,
  source: Source,
): readonly Condition[] {
  return (entries ?? []).flatMap(({ key, keyPlace, field }) => {
    const subject = subjectOf(key);
    if (!subject.ok) source.report(keyPlace, subject.wrong, subject.right);
    return subject.ok && field.kind === 'value' ? [{ subject: subject.value, test: field.value }] : [];
  });
}

function isEmpty({ node }: Place): boolean {
  return node?.kind === 'map' && node.pairs.every(({ value }) => value?.kind === 'map' && value.pairs.length === 0);
}

function headerSubject(name: string): Parsed<Subject> {
  if (HEADER_NAME.test(name) && !name.includes('_'))
    return { ok: true, value: { kind: 'header', name: name.toLowerCase() } };
  return {
    ok: false,
    wrong: `${JSON.stringify(name)} is not a header that APIs tell apart`,
    right: 'a name such as X-Tier',
  };
}

function jsonSubject(pointer: string): Parsed<Subject> {
  if (POINTER.test(pointer)) return { ok: true, value: { kind: 'json', pointer } };
  return { ok: false, wrong: `${JSON.stringify(pointer)} is not a JSON pointer`, right: 'a pointer such as /model' };
}

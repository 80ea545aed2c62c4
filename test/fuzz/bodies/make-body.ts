import type { Random } from '../../crash/random.ts';
import { type BodyKind, KINDS } from './price-table.ts';

/** A request whose body decides its price. */
export interface BodyCase {
  readonly kind: BodyKind;
  readonly bytes: Buffer;
  readonly contentType: string;
  readonly contentEncoding: string | undefined;
  /** Its price, where no part of it is odd. */
  readonly honest: number | undefined;
}

/** Honest bodies with what they cost, in atomic units. */
const HONEST: Readonly<Record<BodyKind, readonly [readonly [string, number], ...(readonly [string, number])[]]>> = {
  json: [
    ['{"model":"cheap","in":{"n":5}}', 0],
    ['{ "in" : {"n":1.0e0, "x":[1,{}]}, "model":"\\u0063heap" }', 0],
    ['{"model":"cheap","in":{"n":6}}', 1_000],
    ['{"model":"dear-1"}', 10_000],
  ],
  rpc: [
    ['{"jsonrpc":"2.0","id":1,"method":"cheap_a","params":[]}', 0],
    ['[{"method":"cheap_a"},{"method":"cheap_b","params":{"method":"dear_a"}}]', 0],
    ['[{"method":"cheap_a"},{"method":"dear_b"},{"method":"dear_b"}]', 20_000],
    ['{"method":"dear_a"}', 10_000],
  ],
  graphql: [
    ['{"query":"{ cheap }"}', 0],
    ['{"query":"query A { dear: cheap } query B { cheap: dear }","operationName":"A"}', 0],
    ['[{"query":"{ cheap }"},{"query":"query { ...F } fragment F on Query { dear }"}]', 10_000],
    [
      '{"query":"query ($no: Boolean!) { cheap @skip(if: $no) dear @include(if: $no) }","variables":{"no":false}}',
      10_000,
    ],
  ],
};

/** Keys that some reader takes for the key that decides the price. */
const KEYS: Readonly<Record<BodyKind, readonly [string, ...string[]]>> = {
  json: [
    '"model"',
    '"Model"',
    '"MODEL"',
    '"\\u006dodel"',
    '"model\\u0000"',
    '"model "',
    '"\\ud835mod\\u0065l"',
    '"in"',
    '"In"',
    '"n"',
    '"N"',
    '"mode\\u006C"',
    '"__proto__"',
    '"modeſ"',
  ],
  rpc: [
    '"method"',
    '"Method"',
    '"METHOD"',
    '"\\u006dethod"',
    '"method\\u0000"',
    '"params"',
    '"id"',
    '"toString"',
    '"jsonrpc"',
  ],
  graphql: [
    '"query"',
    '"Query"',
    '"\\u0071uery"',
    '"operationName"',
    '"OperationName"',
    '"variables"',
    '"extensions"',
    '"id"',
    '"documentId"',
    '"query "',
  ],
};

const VALUES: Readonly<Record<BodyKind, readonly [string, ...string[]]>> = {
  json: [
    '"cheap"',
    '"dear"',
    '"dear-2"',
    '"che\\u0061p"',
    '"cheap\\u0000"',
    '"\\u0064ear"',
    '"CHEAP"',
    '5',
    '5.0',
    '6',
    '5e0',
    '0.5e1',
    '-0',
    '1e400',
    '5.0000000000000001',
    '9007199254740993',
    'null',
    'true',
    '["cheap"]',
    '{"n":5}',
    '{"n":6}',
    '{"N":6,"n":5}',
    '"5"',
    'NaN',
    '"cheap\ud800"',
  ],
  rpc: [
    '"cheap_a"',
    '"dear_a"',
    '"\\u0064ear_a"',
    '"cheap_\\u0000"',
    '["dear_a"]',
    '{"method":"dear_a"}',
    'null',
    '1',
    '""',
    '"cheap_a\\ndear_a"',
  ],
  graphql: [
    '"{ cheap }"',
    '"{ dear }"',
    '"query A { cheap } query B { dear }"',
    '"A"',
    '"B"',
    '""',
    'null',
    '"{ cheap ...F } fragment F on Query { dear }"',
    '"{ cheap } # dear"',
    '"{ cheap: dear }"',
    '"{ ... on Query { dear } }"',
    '"{ __typename }"',
    '{"persistedQuery":{"version":1,"sha256Hash":"00"}}',
    '"\\ufeff{ dear }"',
    '"{ cheap }\\u0000{ dear }"',
    '{"no":true}',
  ],
};

/** Bytes that readers often read wrong. */
const TOKENS: readonly [string, ...string[]] = [
  '{',
  '}',
  '[',
  ']',
  ',',
  ':',
  '"',
  '\\',
  '\\u',
  '\\ud800',
  '\\u0000',
  '/*',
  '*/',
  '//',
  '#',
  '\0',
  '\x0b',
  '\xef\xbb\xbf',
  '\xff\xfe',
  '\xc0\xaf',
  '\xed\xa0\x80',
  '\xc2\xa0',
  "'",
  'NaN',
  '-Infinity',
  '1e999',
  '0x1',
  '01',
  '-0',
  '+1',
  '.5',
  '5.',
  'True',
  'undefined',
  '\x1e',
  '\n',
  ' ',
  '"model":"dear",',
  ',"model":"dear"',
  '"method":"dear_a",',
  ',{"method":"dear_a"}',
  '"query":"{ dear }",',
  ',"Model":"dear"',
  '{"model":"dear"}',
  '\n{"method":"dear_a"}',
  '[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[',
];

const SPACES: readonly [string, ...string[]] = ['', '', '', '', ' ', '\n', '\t\r\n ', '\f', '\u00a0'];

const TYPES: readonly [string, ...string[]] = [
  'application/json',
  'application/json',
  'application/json',
  'application/json; charset=utf-8',
  'text/plain',
  'application/json; charset=utf-16',
  'application/json; charset=utf-16le',
  'application/json;charset="ISO-8859-1"',
  'application/json; charset=utf-8; charset=utf-16',
  'application/x-www-form-urlencoded',
  'multipart/form-data; boundary=x',
  'application/graphql',
  'application/graphql+json',
  'application/xml',
  '',
];

/** Makes the next case: honest, made of odd parts, damaged, or both. */
export function makeBody(random: Random): BodyCase {
  const kind = random.pick(KINDS);
  const [honest, price] = random.pick(HONEST[kind]);
  const plain = { kind, contentType: 'application/json', contentEncoding: undefined } as const;
  if (random.chance(0.1)) return { ...plain, bytes: Buffer.from(honest), honest: price };
  const text = random.chance(0.4) ? honest : documentOf(kind, random);
  let bytes = Buffer.from(text);
  if (random.chance(0.6)) for (let left = random.between(1, 4); left > 0; left -= 1) bytes = damaged(bytes, random);
  if (random.chance(0.02)) bytes = Buffer.from(bytes.toString('utf8'), 'utf16le');
  return {
    kind,
    bytes,
    contentType: random.chance(0.8) ? 'application/json' : random.pick(TYPES),
    contentEncoding: random.chance(0.02) ? random.pick(['identity', 'gzip', 'br', '']) : undefined,
    honest: undefined,
  };
}

function documentOf(kind: BodyKind, random: Random): string {
  const space = (): string => random.pick(SPACES);
  const isList = kind !== 'json' && random.chance(0.3);
  const one = (): string => objectOf(kind, random, 0);
  if (!isList) return `${space()}${one()}${space()}`;
  const items = Array.from({ length: random.between(0, 4) }, one);
  return `${space()}[${items.join(`${space()},${space()}`)}]${space()}`;
}

function objectOf(kind: BodyKind, random: Random, depth: number): string {
  const space = (): string => random.pick(SPACES);
  const members = Array.from({ length: random.between(0, 5) }, () => {
    const value = depth < 3 && random.chance(0.2) ? objectOf(kind, random, depth + 1) : random.pick(VALUES[kind]);
    return `${space()}${random.pick(KEYS[kind])}${space()}:${space()}${value}${space()}`;
  });
  return `{${members.join(',')}}`;
}

function damaged(bytes: Buffer<ArrayBuffer>, random: Random): Buffer<ArrayBuffer> {
  const at = random.between(0, bytes.length);
  const end = Math.min(bytes.length, at + random.between(1, 12));
  const before = bytes.subarray(0, at);
  switch (random.between(0, 6)) {
    case 0: {
      const copy = Buffer.from(bytes);
      const index = random.between(0, Math.max(0, copy.length - 1));
      if (copy.length > 0) copy[index] = (copy[index] ?? 0) ^ (1 << random.between(0, 7));
      return copy;
    }
    case 1:
      return Buffer.concat([before, bytes.subarray(end)]);
    case 2:
      return Buffer.concat([bytes.subarray(0, end), bytes.subarray(at)]);
    case 3:
      return Buffer.concat([bytes, bytes.subarray(0, at)]);
    default:
      return Buffer.concat([before, Buffer.from(random.pick(TOKENS), 'latin1'), bytes.subarray(at)]);
  }
}

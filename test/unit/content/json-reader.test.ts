import { spawnSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type JsonValue, readJson } from '../../../src/content/json-reader.ts';
import { pointerTree } from '../../../src/content/pointer-tree.ts';
import { GatewayError } from '../../../src/domain/gateway-error.ts';
import { BODY_TRICKS } from '../../support/body-tricks.ts';

const MODEL = pointerTree(['/model']);

function read(bytes: Buffer, ...pointers: readonly string[]): ReadonlyMap<string, JsonValue> {
  return readJson(bytes, pointers.length === 0 ? MODEL : pointerTree(pointers), false).facts;
}

/** The text at `/model`, or that the body was refused. */
function modelIn(bytes: Buffer): string {
  try {
    const value = read(bytes).get('/model');
    if (value === undefined || (value.kind === 'word' && value.text === 'null')) return 'absent';
    return 'text' in value ? value.text : value.kind;
  } catch (fault) {
    if (fault instanceof GatewayError && fault.code === 'body_ambiguous') return 'refused';
    throw fault;
  }
}

describe('a body that decides a price', () => {
  it.each(BODY_TRICKS)('with $name is read in one way, or refused', ({ bytes, model }) => {
    expect(modelIn(bytes)).toBe(model);
  });

  it('is read as V8 reads it where it is read at all', () => {
    for (const { name, bytes } of BODY_TRICKS) {
      const ours = modelIn(bytes);
      if (ours === 'refused') continue;
      const theirs: unknown = JSON.parse(bytes.toString('utf8'));
      const model = typeof theirs === 'object' && theirs !== null && 'model' in theirs ? theirs.model : undefined;
      expect(model === undefined || model === null ? 'absent' : String(model), name).toBe(ours);
    }
  });

  it('is read as Python reads it where it is read at all', ({ skip }) => {
    const script = `import json, sys
out = []
for line in sys.stdin:
    value = json.loads(bytes.fromhex(line.strip()))
    model = value.get("model")
    out.append('absent' if model is None else str(int(model) if isinstance(model, float) else model))
print(json.dumps(out))`;
    const accepted = BODY_TRICKS.filter(({ model }) => model !== 'refused');
    const input = accepted.map(({ bytes }) => bytes.toString('hex')).join('\n');
    const python = spawnSync('python3', ['-c', script], { input, encoding: 'utf8' });
    if (python.error !== undefined) skip('there is no python3');
    expect(python.stderr).toBe('');
    expect(JSON.parse(python.stdout)).toEqual(accepted.map(({ model }) => model));
  });

  it('is read as jq reads it where it is read at all', ({ skip }) => {
    for (const { name, bytes, model } of BODY_TRICKS) {
      if (model === 'refused') continue;
      const program = 'if type != "object" or .model == null then "absent" else .model end';
      const jq = spawnSync('jq', ['-r', program], { input: bytes, encoding: 'utf8' });
      if (jq.error !== undefined) skip('there is no jq');
      expect([jq.stderr, jq.stdout], name).toEqual(['', `${model}\n`]);
    }
  });

  it('is read as Perl reads it where it is read at all', ({ skip }) => {
    const program = `my $v = decode_json(do { local $/; <STDIN> });
my $m = ref $v eq 'HASH' ? $v->{model} : undef; binmode STDOUT, ':utf8'; print defined $m ? $m : 'absent';`;
    if (spawnSync('perl', ['-MJSON::PP', '-e', '1']).status !== 0) skip('there is no perl with JSON::PP');
    for (const { name, bytes, model } of BODY_TRICKS) {
      if (model === 'refused') continue;
      const perl = spawnSync('perl', ['-MJSON::PP', '-e', program], { input: bytes, encoding: 'utf8' });
      expect([perl.stderr, perl.stdout], name).toEqual(['', model]);
    }
  });

  it('says in one sentence what is wrong with it', () => {
    const fault = (): unknown => read(Buffer.from('{"model":1,"model":2}'));
    expect(fault).toThrow(expect.objectContaining({ detail: expect.stringContaining('"model" is there twice') }));
  });
});

function numberOf(value: JsonValue | undefined): number {
  return value?.kind === 'number' ? Number(value.text) : Number.NaN;
}

describe('a text of JSON', () => {
  const ANYTHING = pointerTree(['', '/a', '/a/b', '/0']);

  it('is read as V8 reads it, or refused as it refuses it, whatever is changed in it', () => {
    const changed = fc
      .tuple(
        fc.json({ stringUnit: 'binary' }),
        fc.nat(),
        fc.nat(3),
        fc.constantFrom('', '"', '\\', '\\u00', '{', ',', '0', '\n'),
      )
      .map(([text, place, taken, put]) => {
        const at = place % (text.length + 1);
        return text.slice(0, at) + put + text.slice(at + taken);
      });
    fc.assert(
      fc.property(changed, (text) => {
        const bytes = Buffer.from(text);
        let facts: ReadonlyMap<string, JsonValue>;
        try {
          ({ facts } = readJson(bytes, ANYTHING, false));
        } catch (fault) {
          expect(fault).toMatchObject({ code: 'body_ambiguous' });
          return;
        }
        const value: unknown = JSON.parse(bytes.toString());
        const top = facts.get('');
        if (typeof value === 'string') expect(top).toEqual({ kind: 'text', text: value });
        else if (typeof value === 'number') expect([top?.kind, numberOf(top)]).toEqual(['number', value]);
        else if (Array.isArray(value)) expect([top, facts.has('/0')]).toEqual([{ kind: 'array' }, value.length > 0]);
        else if (value !== null && typeof value === 'object')
          expect([top, facts.has('/a')]).toEqual([{ kind: 'object' }, Object.hasOwn(value, 'a')]);
        else expect(top).toEqual({ kind: 'word', text: String(value) });
      }),
      { numRuns: 150 },
    );
  });

  it('that is valid is never refused for its form', () => {
    fc.assert(
      fc.property(fc.json({ stringUnit: 'grapheme', maxDepth: 8 }), (text) => {
        expect(readJson(Buffer.from(text), pointerTree([]), false).facts.size).toBe(0);
      }),
      { numRuns: 60 },
    );
  });
});

describe('keys of an object', () => {
  const MANY = Array.from({ length: 20 }, (_, index) => `"k${index}":0`).join();

  it.each([
    ['two that are equal', '{"a":1,"a":2}'],
    ['two that are equal, the first one escaped', '{"\\u0061":1,"a":2}'],
    ['two that are equal, the last one escaped', '{"a":1,"b":2,"\\u0061":3}'],
    ['two that are equal in two escapes', '{"\\u002f":1,"\\/":2}'],
    ['two that are equal, and an object between them', '{"a":{"b":1},"a":2}'],
    ['two that are equal within the object of another', '{"c":{"a":1},"d":{"b":1,"b":2}}'],
    ['two that are equal in other letters than ASCII', '{"é":1,"e":2,"é":3}'],
    ['two that are equal, the first and the last of many', `{${MANY},"k0":1}`],
    ['two that are equal, the last ones of many', `{${MANY},"k":1,"k":2}`],
  ])('are refused: %s', (_which, text) => {
    expect(() => readJson(Buffer.from(text), pointerTree([]), false)).toThrow(/is there twice/);
  });

  it.each([
    ['one that begins as another does', '{"a":1,"ab":2,"b":3,"":4}'],
    ['the same one in two objects', '[{"a":1},{"a":{"a":1},"b":{"a":2}}]'],
    ['letters that differ in their form only', '{"é":1,"e\u0301":2}'],
    ['many, and the same ones in an object among them', `{${MANY},"in":{${MANY}},"on":1}`],
  ])('are read: %s', (_which, text) => {
    expect(readJson(Buffer.from(text), pointerTree([]), false).facts.size).toBe(0);
  });
});

describe('pointers', () => {
  const body = Buffer.from('{"a/b":{"~":["x",{"y":true}]},"":{"":1},"list":[]}');

  it.each([
    ['/a~1b/~0/0', { kind: 'text', text: 'x' }],
    ['/a~1b/~0/1/y', { kind: 'word', text: 'true' }],
    ['/a~1b/~0', { kind: 'array' }],
    ['/a~1b', { kind: 'object' }],
    ['//', { kind: 'number', text: '1' }],
    ['/list/0', undefined],
    ['/a~1b/~0/01', undefined],
  ])('%s finds what stands there', (pointer, value) => {
    expect(read(body, pointer).get(pointer)).toEqual(value);
  });

  it('of several lengths are all found in one reading', () => {
    expect([...read(body, '/a~1b/~0/0', '/a~1b', '/list').keys()].sort()).toEqual(['/a~1b', '/a~1b/~0/0', '/list']);
  });
});

describe('a list of calls', () => {
  it('is read item by item, each with its own values', () => {
    const { items } = readJson(Buffer.from('[{"method":"a"},{"x":1},{"method":"b"}]'), pointerTree(['/method']), true);
    expect(items?.map((item) => item.get('/method'))).toEqual([
      { kind: 'text', text: 'a' },
      undefined,
      { kind: 'text', text: 'b' },
    ]);
  });
});

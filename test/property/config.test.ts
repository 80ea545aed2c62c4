import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { parseByteSize } from '../../src/config/byte-size.ts';
import { parseDuration } from '../../src/config/duration.ts';
import { expand } from '../../src/config/expand.ts';
import { parsePathPattern } from '../../src/config/path-pattern.ts';
import { parseStore } from '../../src/config/store-keys.ts';
import { formatUnits } from '../../src/domain/amount.ts';
import { canonicalizePath } from '../../src/domain/request-target.ts';
import { RouteTable } from '../../src/domain/route-table.ts';
import { storeKinds } from '../../src/registry.ts';
import { HEAD, load, offersOf } from '../support/config/load.ts';

const withPrice = (price: unknown): string =>
  `${HEAD}routes:\n${stringify([{ path: '/a', price }]).replace(/^/gm, '  ')}`;

describe('prices', () => {
  it('become exactly the units that are written', () => {
    fc.assert(
      fc.property(fc.bigInt(1n, 10n ** 24n), (units) => {
        const [offer] = offersOf(withPrice(`$${formatUnits(units, 6)}`));
        expect(offer?.amount).toBe(units);
        expect(offer?.requirements.amount).toBe(units.toString());
      }),
      { numRuns: 60 },
    );
  });

  it('with more digits than the asset has are refused, never rounded', () => {
    fc.assert(
      fc.property(fc.nat(1000), fc.stringMatching(/^\d{7,20}$/), (whole, fraction) => {
        expect(load(withPrice(`$${whole}.${fraction}`)).ok).toBe(false);
      }),
      { numRuns: 60 },
    );
  });

  it('are free only by the word free, whatever else is written', () => {
    const anything = fc.oneof(
      fc.string(),
      fc.stringMatching(/^[$ ]{0,2}[-+0-9.,eExX_]{0,8} ?(?:USDC|free|FREE)?$/),
      fc.constantFrom(
        'Free',
        'FREE',
        ' free',
        'free ',
        'fre',
        'freee',
        'none',
        '0',
        '$0',
        '$0.0',
        '0 USDC',
        'no',
        'false',
      ),
      fc.double(),
      fc.boolean(),
      fc.constant(null),
      fc.array(fc.string(), { maxLength: 2 }),
      fc.dictionary(fc.constantFrom('amount', 'asset', 'free'), fc.string(), { maxKeys: 3 }),
    );
    fc.assert(
      fc.property(
        anything.filter((value) => value !== 'free'),
        (value) => {
          const loaded = load(withPrice(value));
          const price = loaded.ok ? loaded.plan.routes[0]?.prices[0] : undefined;
          if (price === undefined) return;
          expect(price.kind).toBe('priced');
          if (price.kind === 'priced') expect(price.offers.every((offer) => offer.amount > 0n)).toBe(true);
        },
      ),
      { numRuns: 400 },
    );
  });
});

describe('expansions', () => {
  const outside = { env: { NAME: 'value' }, readFile: () => 'content' };

  it(`leave every text without \${ as it is`, () => {
    fc.assert(
      fc.property(
        fc.string().filter((text) => !text.includes(`\${`)),
        (text) => {
          expect(expand(text, outside)).toEqual({ ok: true, text, expanded: false });
        },
      ),
    );
  });

  it('give back what was escaped', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('a', '$', '{', '}', 'NAME') }), (text) => {
        // A dollar before an escape would belong to it, so it is set apart.
        const plain = text.replaceAll('$$', '$ $');
        expect(expand(plain.split(`\${`).join(`$\${`), outside)).toMatchObject({ ok: true, text: plain });
      }),
    );
  });

  it('put values where they stand and do not look at them again', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), (value) => {
        const result = expand(`<\${NAME}>`, { env: { NAME: value }, readFile: () => '' });
        expect(result).toEqual({ ok: true, text: `<${value}>`, expanded: true });
      }),
    );
  });
});

describe('units', () => {
  it('of a duration and of a size count exactly, and a number is never of another unit', () => {
    const durations = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
    fc.assert(
      fc.property(fc.constantFrom('ms', 's', 'm', 'h', 'd'), fc.integer({ min: 1, max: 24 }), (unit, count) => {
        expect(parseDuration(`${count}${unit}`)).toEqual({ ok: true, value: count * durations[unit] });
        expect(parseDuration(`${count}`).ok).toBe(false);
      }),
    );
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 8_192 }), (count) => {
        const read = parseByteSize(`${count}KB`, 4_194_304);
        expect(read).toEqual(
          count <= 4_096 ? { ok: true, value: count * 1_024 } : expect.objectContaining({ ok: false }),
        );
      }),
    );
  });
});

describe('stores', () => {
  const secret = fc.string({ minLength: 1, unit: fc.constantFrom('q', 'z', '/', '@', ':', '#', '?', '%', '\\', ' ') });
  const scheme = fc.constantFrom('postgres://', 'postgresql://', 'postgres:/', 'mysql://', 'Postgres://');

  it('are taken as written or refused, and no message repeats a password', () => {
    fc.assert(
      fc.property(scheme, secret, fc.constantFrom('db/pay', 'db', '/pay', 'db/pay?sslmode=x'), (front, mark, rest) => {
        const url = `${front}user:qz${mark}zq@${rest}`;
        const parsed = parseStore(url, storeKinds);
        if (parsed.ok) expect(parsed.value).toEqual({ kind: 'postgres', location: url, lasting: true });
        else expect(`${parsed.wrong}${parsed.right}`).not.toMatch(/qz|zq/);
      }),
      { numRuns: 500 },
    );
  });

  it('take a password with any characters once it is percent-encoded', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), (password) => {
        const url = `postgres://user:${encodeURIComponent(password)}@db/pay`;
        expect(parseStore(url, storeKinds)).toEqual({
          ok: true,
          value: { kind: 'postgres', location: url, lasting: true },
        });
      }),
    );
  });

  it('in SQLite keep the path as it is written', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[./A-Za-z0-9_:?~ -]{0,12}$/), (path) => {
        const parsed = parseStore(`sqlite:${path}`, storeKinds);
        if (parsed.ok) expect(parsed.value).toEqual({ kind: 'sqlite', location: path, lasting: true });
        else expect(path).toMatch(/^$|^:memory:$|^ | $|^\/\/|^file:|\?|^~|(^|\/)\.{0,2}$/);
      }),
      { numRuns: 500 },
    );
  });
});

describe('path patterns', () => {
  const segment = fc.stringMatching(/^[A-Za-z0-9._~-]{1,6}$/).filter((text) => !/^\.{1,2}$/.test(text));
  const piece = fc.oneof(
    segment,
    segment.map((text) => `:p${text.replace(/\W/g, '_')}`),
  );

  it('match a path that is filled into them, and only paths in canonical form', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(piece, { maxLength: 5 }),
        fc.boolean(),
        fc.uniqueArray(segment, { maxLength: 2 }),
        (pieces, rest, tail) => {
          const text = `/${pieces.join('/')}${rest && pieces.length > 0 ? '/*' : rest ? '*' : ''}`;
          const parsed = parsePathPattern(text);
          expect(parsed.ok, text).toBe(true);
          if (!parsed.ok) return;
          const path = `/${[...pieces.map((part) => part.replace(':', 'x')), ...(rest ? tail : [])].join('/')}`;
          const route = { methods: undefined, host: undefined, pattern: parsed.value };
          expect(canonicalizePath(path)).toEqual({ ok: true, path });
          expect(new RouteTable([route]).match('GET', 'any', path)).toBe(route);
        },
      ),
    );
  });

  it('hold only literals that a canonical path can hold', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('/', '.', '%', '2', 'e', 'F', 'a', ':', '*', ';', '\\', '?', 'é', ' ') }),
        (text) => {
          const parsed = parsePathPattern(`/${text}`);
          if (!parsed.ok) return;
          const literal = `/${parsed.value.segments.map((part) => (part.kind === 'static' ? part.text : 'x')).join('/')}`;
          expect(canonicalizePath(literal)).toEqual({ ok: true, path: literal });
        },
      ),
      { numRuns: 2000 },
    );
  });
});

describe('any file', () => {
  it('gives a plan or problems with positions, and never throws', () => {
    const words = fc.constantFrom(
      'routes:',
      '  - path: /a',
      '    price: $1',
      '    price: free',
      'accepts: [base]',
      '&a',
      '*a',
      '!x',
      '{',
      '}',
      '[',
      ']',
      '? ',
      '- ',
      '"',
      "'",
      '|',
      '\t',
      `\${X}`,
      '---',
      '%YAML 1.1',
      '<<: *a',
      '#',
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(words, fc.string()), { maxLength: 12 }), (lines) => {
        const loaded = load(lines.join('\n'));
        if (loaded.ok) return;
        expect(loaded.problems.length).toBeGreaterThan(0);
        for (const problem of loaded.problems) expect(Math.min(problem.line, problem.column)).toBeGreaterThanOrEqual(1);
      }),
      { numRuns: 500 },
    );
  });

  it('with a key misspelled never loads', () => {
    const text = `publicUrl: https://api.example.com\nunmatched: deny\nstore: memory\nretention: 1h\nkeepAnswers: off\n${HEAD}routes:\n  - path: /a\n    methods: [GET]\n    price: $1\n    settle: before\n    idempotent: true\n    paymentIdentifier: off\n`;
    const keys = [...text.matchAll(/^\s*(?:- )?([A-Za-z]+):/gm)].map((match) => ({
      name: match[1] ?? '',
      at: match.index + match[0].length - 1,
    }));
    expect(load(text).ok).toBe(true);
    fc.assert(
      fc.property(
        fc.constantFrom(...keys),
        fc.nat(20),
        fc.constantFrom('', 'x', 'E', '_'),
        ({ name, at }, where, change) => {
          const index = where % name.length;
          const typo = name.slice(0, index) + change + name.slice(index + 1);
          fc.pre(typo !== name && typo !== '');
          expect(load(text.slice(0, at - name.length) + typo + text.slice(at)).ok, typo).toBe(false);
        },
      ),
      { numRuns: 200 },
    );
  });
});

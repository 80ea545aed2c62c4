import { createHash } from 'node:crypto';
import { PassThrough, Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { run } from '../../../src/cli/main.ts';
import { planOf, route } from '../../support/config/load.ts';

async function keys(argv: readonly string[], typed = ''): Promise<{ code: number; out: string; err: string }> {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const stdin = Readable.from([Buffer.from(typed)]);
  const code = await run(['keys', ...argv], { stdin, stdout, stderr, env: {}, on: () => {}, off: () => {} });
  return { code, out: String(stdout.read() ?? ''), err: String(stderr.read() ?? '') };
}

const digest = (key: string): string => createHash('sha256').update(key).digest('hex');

describe('turnpike keys new', () => {
  it('prints a line for a keys file, and beside it, once, a key that is new each time', async () => {
    const [one, other] = [await keys(['new', 'ACME Inc']), await keys(['new'])];
    const [, key = ''] = /^key: ([\w-]{32})\n$/.exec(one.err) ?? [];
    expect([one.code, one.out]).toEqual([0, `${digest(key)}  ACME Inc\n`]);
    expect(one.out).not.toContain(key);
    const [, second = ''] = /^key: ([\w-]{32})\n$/.exec(other.err) ?? [];
    expect(other.out).toBe(`${digest(second)}\n`);
    expect(second).not.toBe(key);
    const file = JSON.stringify(one.out + other.out);
    const [only] = planOf(route(`price: $1\nkeys: { header: X-Api-Key, sha256: ${file} }`)).routes;
    expect([...(only?.keys?.hashes ?? [])]).toEqual([
      [digest(key), 'ACME Inc'],
      [digest(second), undefined],
    ]);
  });

  it('refuses a label that would be a line or a header of its own', async () => {
    for (const label of ['a\nb', ' a', 'caf\u00e9', 'x'.repeat(101)]) {
      const { code, out, err } = await keys(['new', label]);
      expect([code, out]).toEqual([2, '']);
      expect(err).toContain('the label is not printable ASCII');
    }
  });
});

describe('turnpike keys hash', () => {
  it('makes the line of an existing key, without the line end of its input', async () => {
    const key = 'k3y-of-acme-0123456789abcdef';
    expect(await keys(['hash', 'ACME'], `${key}\n`)).toEqual({ code: 0, out: `${digest(key)}  ACME\n`, err: '' });
  });

  it.each([
    ['short', 'has 5 characters'],
    ['', 'no key came on standard input; right is turnpike keys hash < FILE'],
    ['two words of a sentence', 'not printable ASCII in one line'],
    ['a-key-in-the-first-line\nand-another-in-the-next', 'not printable ASCII in one line'],
  ])('refuses %j, and does not show it', async (key, wrong) => {
    const { code, out, err } = await keys(['hash'], key);
    expect([code, out]).toEqual([2, '']);
    expect(err).toContain(wrong);
    if (key !== '') expect(err).not.toContain(key);
  });
});

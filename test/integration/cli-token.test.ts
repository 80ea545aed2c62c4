import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run } from '../../src/cli/main.ts';
import type { Pass } from '../../src/domain/pass.ts';
import { AccessTokens } from '../../src/pass/access-tokens.ts';
import { createTokenKey, signingKeys } from '../../src/pass/token-keys.ts';
import type { PaymentStore } from '../../src/store/payment-store.ts';
import { openSqliteLedger } from '../../src/store/sqlite/sqlite-ledger.ts';
import { sale } from '../contract/pass-sale.ts';

const folder = mkdtempSync(join(tmpdir(), 'turnpike-cli-token-'));
const file = join(folder, 'gateway.yaml');
let store: PaymentStore;
let pass: Pass;
let token: string;

beforeAll(async () => {
  const path = join(folder, 'ledger.db');
  writeFileSync(
    file,
    `upstream: http://127.0.0.1:8080
payTo: "0x209693Bc6afc0C5328bA36FaF03C514EF312287C"
accepts: [base-sepolia]
facilitator: https://facilitator.example.com
store: sqlite:${path}
routes:
  - { path: /reports, price: $0.01, name: reports, access: { requests: 10 } }
`,
  );
  store = await openSqliteLedger(path);
  const version = randomBytes(9).toString('base64url');
  pass = await store.passes.grant(sale({ version, requests: 10 }), Date.now());
  const { secret } = await store.passes.tokenKey(createTokenKey);
  token = new AccessTokens(signingKeys([secret])).write(pass);
});

afterAll(async () => {
  await store.close();
  rmSync(folder, { recursive: true, force: true });
});

async function cli(...argv: string[]) {
  return await turnpike('token', ...argv);
}

async function turnpike(...argv: string[]) {
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
  const written = [text(stdout), text(stderr)] as const;
  const code = await run(argv, { stdin, stdout, stderr, env: {}, on: () => {}, off: () => {} });
  stdout.end();
  stderr.end();
  const [out, err] = await Promise.all(written);
  return { code, out, err };
}

describe('turnpike passes list', () => {
  it('shows passes as a table of 80 characters, with what is left of them', async () => {
    const { code, out, err } = await turnpike('passes', 'list', '-c', file);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    const [head, line = ''] = out.split('\n');
    expect(head).toMatch(/^ID +OPENS +PAYER +LEFT +UNTIL \(UTC\)$/);
    expect(line).toMatch(new RegExp(`^${pass.id} +route:reports .* 10 of 10  \\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d$`));
    expect(line.length).toBeLessThanOrEqual(80);
  });

  it('writes the passes of one payer as full JSON, with only the store given', async () => {
    const place = ['--store', `sqlite:${join(folder, 'ledger.db')}`, '--json'];
    const { out } = await turnpike('passes', 'list', ...place, '--payer', pass.payer.toUpperCase(), '--limit', '1');
    expect(JSON.parse(out)).toEqual({
      id: pass.id,
      scope: 'route:reports',
      state: 'good',
      family: pass.family,
      payer: pass.payer,
      version: pass.version,
      issuedAt: new Date(pass.issuedAt).toISOString(),
      expiresAt: new Date(pass.expiresAt ?? 0).toISOString(),
      revokedAt: null,
      bought: 10,
      available: 10,
      lent: 0,
    });
    const nobody = await turnpike('passes', 'list', ...place, '--payer', `0x${'ee'.repeat(20)}`);
    expect(nobody).toMatchObject({ code: 0, out: '', err: expect.stringContaining('no such passes in ') });
  });
});

describe('turnpike token inspect', () => {
  it('reads a token without a secret and without a store', async () => {
    const { code, out } = await cli('inspect', token);
    expect(code).toBe(0);
    expect(out).toContain(pass.id);
    expect(out).toContain(pass.payer);
    expect(out).toContain('signature       not checked');
  });

  it('says with a configuration whether it is good, and what is left', async () => {
    await store.passes.lease(pass.id, { want: 4, spent: 0, returned: 0 }, Date.now());
    const { code, out } = await cli('inspect', token, '-c', file, '--json');
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({
      pass: pass.id,
      signature: 'good',
      scope: 'route:reports',
      current: false,
      state: 'good',
      bought: 10,
      available: 6,
      lent: 4,
    });
  });

  it('shows nothing about the pass that a forged token names', async () => {
    const forged = new AccessTokens(signingKeys([createTokenKey().secret])).write(pass);
    const { code, out } = await cli('inspect', forged, '-c', file, '--json');
    expect(code).toBe(1);
    expect(JSON.parse(out)).toMatchObject({ signature: 'bad' });
    expect(JSON.parse(out)).not.toHaveProperty('state');
  });

  it.each(['tpk_', 'x', 'tpk_a.b'])('refuses %s as wrong usage', async (given) => {
    const { code, err } = await cli('inspect', given);
    expect(code).toBe(2);
    expect(err).toContain('no access token');
  });
});

describe('turnpike token revoke', () => {
  it('ends a pass, and says so of its token from then on', async () => {
    const revoked = await cli('revoke', pass.id, '-c', file);
    expect(revoked).toMatchObject({ code: 0, out: expect.stringContaining(pass.id) });
    const { code, out } = await cli('inspect', token, '-c', file);
    expect(code).toBe(1);
    expect(out).toContain('state           revoked');
    expect(await store.passes.revokedSince(0)).toEqual([pass.id]);
  });

  it('takes an id that begins with a hyphen for an id, before the options and after them', async () => {
    const id = `-${'A'.repeat(21)}`;
    const missing = { code: 1, err: expect.stringContaining(`no pass ${id}`) };
    expect(await cli('revoke', id, '-c', file)).toMatchObject(missing);
    expect(await cli('revoke', '-c', file, id)).toMatchObject(missing);
  });

  it('refuses a malformed id, a token in place of an id, and an unknown id', async () => {
    expect((await cli('revoke', token, '-c', file)).code).toBe(2);
    expect((await cli('revoke', 'x', '-c', file)).code).toBe(2);
    const mistyped = await cli('revoke', '--stor', '-c', file);
    expect(mistyped).toMatchObject({ code: 2, err: expect.stringContaining('--stor is no id of a pass') });
    const unknown = await cli('revoke', `${'A'.repeat(21)}A`, '-c', file);
    expect(unknown).toMatchObject({ code: 1, err: expect.stringContaining('no pass') });
  });
});

import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run } from '../../src/cli/main.ts';
import type { Pass } from '../../src/domain/pass.ts';
import { TokenDesk } from '../../src/pass/token-desk.ts';
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
  token = new TokenDesk(signingKeys([secret])).write(pass);
});

afterAll(async () => {
  await store.close();
  rmSync(folder, { recursive: true, force: true });
});

async function cli(...argv: string[]) {
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
  const written = [text(stdout), text(stderr)] as const;
  const code = await run(['token', ...argv], { stdin, stdout, stderr, env: {}, on: () => {}, off: () => {} });
  stdout.end();
  stderr.end();
  const [out, err] = await Promise.all(written);
  return { code, out, err };
}

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

  it('tells nothing of the pass that a forged token names', async () => {
    const forged = new TokenDesk(signingKeys([createTokenKey().secret])).write(pass);
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

  it('refuses what is no id, a token in place of one, and an id that nobody has', async () => {
    expect((await cli('revoke', token, '-c', file)).code).toBe(2);
    expect((await cli('revoke', 'x', '-c', file)).code).toBe(2);
    const unknown = await cli('revoke', `${'A'.repeat(21)}A`, '-c', file);
    expect(unknown).toMatchObject({ code: 1, err: expect.stringContaining('no pass') });
  });
});

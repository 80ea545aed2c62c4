import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterAll, describe, expect, it } from 'vitest';
import { run } from '../../../src/cli/main.ts';

const folder = mkdtempSync(join(tmpdir(), 'turnpike-against-'));
afterAll(() => rmSync(folder, { recursive: true }));

const API = file(
  'openapi.json',
  JSON.stringify({
    openapi: '3.1.0',
    servers: [{ url: 'https://api.example.com/v1' }],
    paths: { '/pets/{id}': { get: {}, delete: {} }, '/health': { get: {} } },
  }),
);

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

function table(routes: string): string {
  return file(
    'gateway.yaml',
    `upstream: http://127.0.0.1:8080
payTo: "0x209693Bc6afc0C5328bA36FaF03C514EF312287C"
accepts: [base]
facilitator: https://facilitator.example.com
store: sqlite:./turnpike.db
routes:
${routes}`,
  );
}

async function checkAgainst(routes: string, ...more: string[]): Promise<{ code: number; out: string; err: string }> {
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
  const terminal = { stdin, stdout, stderr, env: {}, on: () => {}, off: () => {} };
  const code = await run(['check', '-c', table(routes), '--against', API, ...more], terminal);
  return { code, out: String(stdout.read() ?? ''), err: String(stderr.read() ?? '') };
}

describe('turnpike check --against', () => {
  it('finds nothing where every operation has a price and every price an operation', async () => {
    const { code, out, err } = await checkAgainst(
      '  - { path: /v1/pets/:id, price: $0.001 }\n  - { path: /v1/health, price: free }\n',
    );
    expect({ code, out: out.split('\n').length }).toEqual({ code: 0, out: 2 });
    expect(err).toContain('note: GET /v1/health is free');
  });

  it('names operations without a price, and prices without an operation', async () => {
    const { code, out } = await checkAgainst(
      '  - { path: /v1/pets/:id, methods: [GET], price: $0.001 }\n  - { path: /v1/cats/:id, name: cats, price: $0.001 }\n',
    );
    expect(code).toBe(2);
    expect(out).toContain('operation without a price: DELETE /v1/pets/{id} (not found)');
    expect(out).toContain('operation without a price: GET /v1/health (not found)');
    expect(out).toContain('price without an operation: cats');
  });

  it('writes what it found as JSON', async () => {
    const { code, out } = await checkAgainst('  - { path: /v1/*, price: $0.001 }\n', '--json');
    expect({ code, found: JSON.parse(out) }).toMatchObject({ code: 0, found: { ok: true, unpriced: [], unused: [] } });
  });
});

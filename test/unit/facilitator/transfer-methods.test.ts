import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { isBeforeSending } from '../../../src/facilitator/remote/refusal-reasons.ts';
import { loadTransferMethods, METHOD_REFUSALS } from '../../../src/facilitator/transfer-method/transfer-methods.ts';

const run = promisify(execFile);

/** What a process has loaded after each of these steps: how many modules of our own, and of the library for chains. */
const STEPS = `
  import { registerHooks } from 'node:module';
  const loaded = { own: 0, viem: 0 };
  registerHooks({
    load(url, context, next) {
      if (url.includes('/src/facilitator/')) loaded.own += 1;
      if (url.includes('/node_modules/viem/')) loaded.viem += 1;
      return next(url, context);
    },
  });
  const seen = [];
  const { FacilitatorOpener } = await import('./src/registry.ts');
  seen.push({ ...loaded });
  await new FacilitatorOpener().load([KIND]);
  seen.push({ ...loaded });
  const { loadReadTools } = await import('./src/facilitator/transfer-method/read-transfer.ts');
  await loadReadTools();
  seen.push({ ...loaded });
  console.log(JSON.stringify(seen));
`;

/** Runs {@link STEPS} for a kind of facilitator. */
async function stepsOf(kind: string): Promise<readonly { readonly own: number; readonly viem: number }[]> {
  const script = STEPS.replace('KIND', kind);
  const cwd = new URL('../../../', import.meta.url);
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', script], { cwd });
  return JSON.parse(stdout);
}

describe('the ways of moving money on EVM', () => {
  it('are listed without the library for chains', async () => {
    const [listed] = await stepsOf("{ kind: 'remote', rpc: new Map() }");
    expect(listed?.own).toBeGreaterThan(0);
    expect(listed?.viem).toBe(0);
  });

  it.each([
    ['a local facilitator', "{ kind: 'local' }"],
    ['a node that proves settlements', "{ kind: 'remote', rpc: new Map([['eip155:8453', 'http://127.0.0.1:1']]) }"],
  ])('are loaded with the plan of %s, not by its first request', async (_, kind) => {
    const [listed, opened, read] = await stepsOf(kind);
    expect(opened?.viem).toBeGreaterThan(listed?.viem ?? 0);
    expect(read?.viem).toBe(opened?.viem);
    expect(read?.own).toBe(opened?.own);
  });

  it('are told apart: no two are for the same offers', async () => {
    const moved = (await loadTransferMethods()).map(({ moves }) => JSON.stringify(moves));
    expect(moved.length).toBeGreaterThan(2);
    expect(new Set(moved).size).toBe(moved.length);
  });

  it('leave no reason open that means that nothing was sent', () => {
    const open = METHOD_REFUSALS.flatMap(({ undecided }) => undecided);
    expect(open).toContain('permit2_simulation_failed');
    expect(open.filter(isBeforeSending)).toEqual([]);
    expect(METHOD_REFUSALS.flatMap(({ beforeSending }) => beforeSending).every(isBeforeSending)).toBe(true);
  });
});

import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tellMeteredCall } from '../../src/cli/demo/metered-call.ts';
import { openWorld, type World } from '../../src/cli/demo/world.ts';

describe("the demo's metered call", () => {
  let world: World;
  beforeAll(async () => {
    world = await openWorld(pino({ level: 'silent' }), new AbortController().signal);
  });
  afterAll(() => world.close());

  const payee = () => world.devnet.usdcBalanceOf(world.devnet.accounts.payee.address);

  it('shows the maximum, the charge and the balances; the charge is the cost of the named tokens', async () => {
    const said: string[] = [];
    await tellMeteredCall(world, (line) => said.push(line));
    const text = said.join('\n');
    expect(text).toContain('"usage":{"prompt_tokens":1808,"completion_tokens":12,"total_tokens":1820}');
    expect(text).toContain('maximum   0.05 USDC');
    // 1 808 tokens at $2.50 and 12 at $10 a million.
    expect(text).toContain('charge    0.00464 USDC');
    expect(text).toContain('buyer     1000 USDC -> 999.99536 USDC (-0.00464 USDC)');
    expect(await payee()).toBe(4_640n);
  });

  it('is left out, in words, on a chain that lacks Permit2', async () => {
    const before = await payee();
    const said: string[] = [];
    await tellMeteredCall({ ...world, lacking: ['Permit2', 'Multicall3'] }, (line) => said.push(line));
    expect(said.at(-1)).toBe('Left out: metered prices need Permit2, which is not on that chain.');
    expect(await payee()).toBe(before);
  });
});

import type { RateSuite, Side } from '../suite.ts';

/** What checking an EIP-3009 payment costs on one thread, beside the general library. */
export const signature: RateSuite = {
  kind: 'rates',
  title: 'the EIP-3009 check',
  unit: 'checks',
  async open(bench) {
    const checker = await bench.system('signature-check');
    const side = (name: string, library: 'turnpike' | 'viem'): Side => ({
      name,
      // Both are held against good, forged and foreign signatures before they are timed.
      probe: async () => ({ verdicts: String(await checker.measure({ kind: 'judge', with: library })) }),
      measure: (seconds) => checker.measure({ kind: 'check', with: library, seconds }),
    });
    return {
      subject: side('gateway', 'turnpike'),
      targetPerSecond: 8000,
      partners: [{ ...side('viem verifyTypedData', 'viem'), target: 30 }],
    };
  },
};

import { describe, expect, it } from 'vitest';
import type { PassId } from '../../src/domain/pass.ts';
import { openQuota } from '../../src/pass/process-quota.ts';
import type { Quota, QuotaUnit } from '../../src/pass/quota.ts';
import type { LedgerScene } from './ledger-scene.ts';
import { sale } from './pass-sale.ts';

const QUOTAS = 12;

/** The quotas of many processes on one store. */
export function processesContract(scene: LedgerScene): void {
  /** Twelve processes, on two openings of the store. */
  async function openQuotas(): Promise<readonly Quota[]> {
    const stores = [scene.ledger.passes, (await scene.another()).passes];
    return Array.from({ length: QUOTAS }, (_, index) => openQuota(stores[index % 2]!));
  }
  const bought = async (requests: number): Promise<PassId> =>
    (await scene.ledger.passes.grant(sale({ requests }), scene.now)).id;
  const quotaOf = async (id: PassId) => (await scene.ledger.passes.findPass(id))?.quota;

  describe('a pass in twelve processes', () => {
    it('serves all that was bought and nothing more when all calls come at once', async () => {
      const id = await bought(500);
      const quotas = await openQuotas();
      const outcomes = await Promise.all(
        Array.from({ length: 700 }, async (_, index) => quotas[index % QUOTAS]!.take(id)),
      );
      expect(outcomes.filter(({ kind }) => kind === 'taken')).toHaveLength(500);
      expect(outcomes.filter(({ kind }) => kind === 'used_up')).toHaveLength(200);
      await Promise.all(quotas.map((quota) => quota.close()));
      expect(await quotaOf(id)).toEqual({ bought: 500, available: 0, lent: 0 });
    });

    it('serves all that was bought to callers one after another, and what they give back once more', async () => {
      const id = await bought(300);
      const quotas = await openQuotas();
      let served = 0;
      let givenBack = 0;
      const call = async (quota: Quota): Promise<void> => {
        for (;;) {
          const outcome = await quota.take(id);
          if (outcome.kind !== 'taken') return;
          served += 1;
          if (served % 10 === 0) {
            const { unit }: { unit: QuotaUnit } = outcome;
            unit.giveBack();
            givenBack += 1;
          }
        }
      };
      await Promise.all(quotas.flatMap((quota) => [call(quota), call(quota)]));
      await Promise.all(quotas.map((quota) => quota.close()));
      expect(served - givenBack).toBe(300);
      expect(await quotaOf(id)).toEqual({ bought: 300, available: 0, lent: 0 });
    });
  });
}

import { describe, expect, it } from 'vitest';
import type { PaymentStore } from '../../src/store/payment-store.ts';
import { type LedgerScene, NOW, paymentClaim } from './ledger-scene.ts';

/** One store, opened by several processes. */
export function sharingContract(scene: LedgerScene): void {
  const both = async (): Promise<readonly [PaymentStore, PaymentStore]> => [scene.ledger, await scene.another()];

  describe('shared by several processes', () => {
    it('lets one of fifty simultaneous claims have the payment', async () => {
      const ledgers = await both();
      const outcomes = await Promise.all(
        Array.from({ length: 50 }, (_, index) =>
          ledgers[index % 2]!.claim(paymentClaim({ requestId: `request-${index}` })),
        ),
      );
      expect(outcomes.filter(({ kind }) => kind === 'claimed')).toHaveLength(1);
      expect(new Set(outcomes.map(({ record }) => record.requestId)).size).toBe(1);
    });

    it('lets one of fifty simultaneous payments have the identifier', async () => {
      const ledgers = await both();
      const outcomes = await Promise.all(
        Array.from({ length: 50 }, (_, index) =>
          ledgers[index % 2]!.claim(paymentClaim({ name: `payment-${index}`, identifier: 'order-7' })),
        ),
      );
      expect(outcomes.filter(({ kind }) => kind === 'claimed')).toHaveLength(1);
      expect(new Set(outcomes.map(({ record }) => record.key)).size).toBe(1);
    });

    it('lets one of fifty simultaneous steps happen', async () => {
      const ledgers = await both();
      const { key, epoch } = await scene.broughtTo('undelivered');
      const outcomes = await Promise.all(
        Array.from({ length: 50 }, (_, index) =>
          ledgers[index % 2]!.transition(key, epoch, { to: 'delivering', owner: `process-${index}` }),
        ),
      );
      expect(outcomes.filter(({ kind }) => kind === 'moved')).toHaveLength(1);
      expect(new Set(outcomes.map(({ record }) => record?.owner)).size).toBe(1);
    });

    it('shows every process what another one wrote', async () => {
      const [one, other] = await both();
      const { record } = await one.claim(paymentClaim());
      const moved = await other.transition(record.key, record.epoch, { to: 'settling' });
      expect(await one.find(record.key)).toEqual(moved.record);
    });

    it('never gives a claim to two processes while the payment is released and claimed over and over', async () => {
      const ledgers = await both();
      let holders = 0;
      let turns = 0;
      const contend = async (ledger: PaymentStore, requestId: string): Promise<void> => {
        for (let round = 0; round < 10; round += 1) {
          const outcome = await ledger.claim(paymentClaim({ requestId, identifier: 'order-7' }));
          if (outcome.kind !== 'claimed') {
            // The record is the one that holds the payment, never a free row.
            expect(outcome.record.state).toBe('forwarding');
            continue;
          }
          holders += 1;
          turns += 1;
          // Gives another process time to claim it as well.
          await ledger.find(outcome.record.key);
          expect(holders).toBe(1);
          holders -= 1;
          await ledger.transition(outcome.record.key, outcome.record.epoch, { to: 'released' });
        }
      };
      await Promise.all(Array.from({ length: 8 }, (_, index) => contend(ledgers[index % 2]!, `request-${index}`)));
      expect((await scene.ledger.find(paymentClaim().key))?.epoch).toBe(NOW - 1 + 2 * turns);
    });
  });
}

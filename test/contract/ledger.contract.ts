import { describe, expect, it } from 'vitest';
import { balancesContract } from './balances.contract.ts';
import { booksContract } from './ledger-books.contract.ts';
import { claimContract } from './ledger-claim.contract.ts';
import { memoContract } from './ledger-memo.contract.ts';
import { type LedgerHome, paymentClaim, setLedgerScene } from './ledger-scene.ts';
import { sharingContract } from './ledger-sharing.contract.ts';
import { takingContract } from './ledger-taking.contract.ts';
import { transitionContract } from './ledger-transition.contract.ts';
import { upkeepContract } from './ledger-upkeep.contract.ts';
import { outboxContract } from './outbox.contract.ts';
import { sale } from './pass-sale.ts';
import { passesContract } from './passes.contract.ts';
import { processesContract } from './passes-processes.contract.ts';
import { quotasContract } from './passes-quotas.contract.ts';
import { usesContract } from './uses.contract.ts';

/** What every ledger has to do. Each test gets an empty one. */
export function ledgerContract(name: string, home: LedgerHome): void {
  describe(`the ${name} ledger`, () => {
    const scene = setLedgerScene(home);
    const { claimed, moved } = scene;

    claimContract(scene);
    transitionContract(scene);
    takingContract(scene);
    upkeepContract(scene);
    booksContract(scene);
    memoContract(scene);
    outboxContract(scene);
    sharingContract(scene);
    passesContract(scene);
    quotasContract(scene);
    processesContract(scene);
    usesContract(scene);
    balancesContract(scene);

    describe('reading a payment', () => {
      it('finds nothing under a key that was never claimed', async () => {
        await claimed();
        expect(await scene.ledger.find(paymentClaim({ name: 'other' }).key)).toBeUndefined();
      });

      it('gives a record that later steps do not change', async () => {
        const record = await claimed();
        const copy = structuredClone(record);
        await moved(record, { to: 'settling' });
        expect(record).toEqual(copy);
      });
    });

    describe('after close', () => {
      it('rejects everything as unavailable', async () => {
        const { key, epoch } = await claimed();
        await scene.ledger.close();
        const unavailable = { name: 'GatewayError', code: 'store_unavailable' };
        await expect(scene.ledger.claim(paymentClaim({ name: 'other' }))).rejects.toMatchObject(unavailable);
        await expect(scene.ledger.transition(key, epoch, { to: 'released' })).rejects.toMatchObject(unavailable);
        await expect(scene.ledger.find(key)).rejects.toMatchObject(unavailable);
        await expect(scene.ledger.beat('process-1', scene.now)).rejects.toMatchObject(unavailable);
        await expect(scene.ledger.takeOpen('process-1', scene.now, 1000, 10)).rejects.toMatchObject(unavailable);
        await expect(scene.ledger.prune(scene.now, scene.now, 10)).rejects.toMatchObject(unavailable);
        await expect(scene.ledger.summarize({})).rejects.toMatchObject(unavailable);
        await expect(scene.ledger.recall(key)).rejects.toMatchObject(unavailable);
        await expect(scene.ledger.recallQuotes(0)).rejects.toMatchObject(unavailable);
        await expect(scene.ledger.passes.grant(sale(), scene.now)).rejects.toMatchObject(unavailable);
        await expect(scene.ledger.passes.spendNonce('nonce', scene.now)).rejects.toMatchObject(unavailable);
      });

      it('has finished all calls that were accepted before', async () => {
        const claims = Array.from({ length: 20 }, (_, index) =>
          scene.ledger.claim(paymentClaim({ name: `payment-${index}` })),
        );
        await scene.ledger.close();
        expect((await Promise.all(claims)).map(({ kind }) => kind)).toEqual(claims.map(() => 'claimed'));
      });

      it('may be closed again', async () => {
        await scene.ledger.close();
        await expect(scene.ledger.close()).resolves.toBeUndefined();
      });
    });
  });
}

import { describe, expect, it } from 'vitest';
import type { PaymentRecord } from '../../src/domain/payment-record.ts';
import type { PaymentState } from '../../src/domain/payment-state.ts';
import { LONGEST_AHEAD_MS, OWNER_GONE_MS } from '../../src/store/upkeep.ts';
import { type LedgerScene, paymentClaim, SETTLEMENT, STATES } from './ledger-scene.ts';

const HOLD_MS = 30_000;
const HOUR_MS = 3_600_000;
/** States that a process leaves open when it ends. */
const HELD: readonly PaymentState[] = ['forwarding', 'owed', 'settling', 'delivering', 'redelivering', 'uncharged'];

/** Taking open payments for a check: {@link Upkeep.takeOpen}. */
export function takingContract(scene: LedgerScene): void {
  const { claimed, moved, broughtTo } = scene;

  function take(owner = 'finder', limit = 10): Promise<readonly PaymentRecord[]> {
    return scene.ledger.takeOpen(owner, scene.now, HOLD_MS, limit);
  }

  async function unknownFrom(checkAt: number, name = 'one'): Promise<PaymentRecord> {
    const record = await claimed(paymentClaim({ name, state: 'settling' }));
    return moved(record, { to: 'unknown', reason: 'timeout', checkAt });
  }

  describe('taking open payments', () => {
    it.each(HELD)('takes a payment in %s whose process never sent a heartbeat', async (state) => {
      const left = await broughtTo(state);
      scene.now += 5;
      const taken = {
        ...left,
        owner: 'finder',
        epoch: left.epoch + 1,
        checks: left.checks + 1,
        checkAt: scene.now + HOLD_MS,
      };
      expect(await take()).toEqual([taken]);
      expect(await scene.ledger.find(left.key)).toEqual(taken);
    });

    it.each(HELD)('leaves a payment in %s alone while its process lives', async (state) => {
      const held = await broughtTo(state);
      await scene.ledger.beat(held.owner, scene.now);
      scene.now += OWNER_GONE_MS - 1;
      expect(await take()).toEqual([]);
      scene.now += 1;
      expect(await take()).toMatchObject([{ key: held.key, owner: 'finder' }]);
    });

    it.each(HELD)('goes by a time of its own for the processes that are gone, with a payment in %s', async (state) => {
      const held = await broughtTo(state);
      await scene.ledger.beat(held.owner, scene.now);
      const later = scene.now + 20 * 60_000;
      const living = scene.now + OWNER_GONE_MS;
      expect(await scene.ledger.takeOpen('finder', later, HOLD_MS, 10, living - 1)).toEqual([]);
      const [taken] = await scene.ledger.takeOpen('finder', later, HOLD_MS, 10, living);
      expect(taken).toMatchObject({ key: held.key, owner: 'finder', checkAt: later + HOLD_MS });
    });

    it('takes a payment whose next look lies further ahead than any wait: the clock was put back', async () => {
      const held = await unknownFrom(scene.now + LONGEST_AHEAD_MS + 1, 'put back');
      await unknownFrom(scene.now + LONGEST_AHEAD_MS, 'waiting');
      const debt = await broughtTo('owed', paymentClaim({ name: 'debt' }));
      await moved(debt, { to: 'owed', reason: 'nothing was sent', checkAt: scene.now + HOUR_MS });
      await scene.ledger.beat(debt.owner, scene.now);
      const taken = await take();
      expect(taken.map(({ key }) => key).toSorted()).toEqual([held.key, debt.key].toSorted());
    });

    it('leaves a payment alone as long as its process sends heartbeats', async () => {
      const held = await claimed();
      for (let round = 0; round < 3; round += 1) {
        await scene.ledger.beat(held.owner, scene.now);
        scene.now += OWNER_GONE_MS - 1;
        expect(await take()).toEqual([]);
      }
    });

    it('takes the payments of a retired process at once, and none of other processes', async () => {
      const left = await claimed(paymentClaim({ name: 'left', owner: 'ending' }));
      await claimed(paymentClaim({ name: 'held', owner: 'living' }));
      await scene.ledger.beat('ending', scene.now);
      await scene.ledger.beat('living', scene.now);
      await scene.ledger.retire('ending');
      expect((await take()).map(({ key }) => key)).toEqual([left.key]);
    });

    it('takes the payment of a dead process only once', async () => {
      await claimed();
      await scene.ledger.beat('finder', scene.now);
      expect(await take()).toHaveLength(1);
      expect(await take()).toEqual([]);
      await scene.ledger.retire('finder');
      expect(await take('another finder')).toHaveLength(1);
    });

    it.each(
      HELD,
    )('takes a payment in %s again whose taking got no reply, by the process that took it', async (state) => {
      const left = await broughtTo(state);
      await scene.ledger.beat('finder', scene.now);
      const lost = scene.now + HOLD_MS;
      expect(await take()).toHaveLength(1);
      const again = (owner: string, checkAt: number | undefined) =>
        scene.ledger.takeOpen(owner, scene.now + 10, HOLD_MS, 10, scene.now, checkAt);
      for (const [owner, checkAt] of [
        ['finder', undefined],
        ['finder', lost - 1],
        ['other', lost],
      ] as const)
        expect(await again(owner, checkAt)).toEqual([]);
      expect(await again('finder', lost)).toMatchObject([{ key: left.key, epoch: left.epoch + 2, owner: 'finder' }]);
      expect(await again('finder', lost)).toEqual([]);
    });

    it('leaves to its requests what the process of a lost taking holds itself', async () => {
      await claimed(paymentClaim({ name: 'left' }));
      await scene.ledger.beat('finder', scene.now);
      const held = await claimed(paymentClaim({ name: 'held', owner: 'finder', state: 'settling' }));
      const lost = scene.now + HOLD_MS;
      await moved(held, { to: 'delivering', settlement: SETTLEMENT, checkAt: lost });
      expect(await take()).toHaveLength(1);
      const taken = await scene.ledger.takeOpen('finder', scene.now, HOLD_MS + 1, 10, scene.now, lost);
      expect(taken.map(({ key }) => key)).toEqual([paymentClaim({ name: 'left' }).key]);
    });

    it('stops the process that held the payment before from moving it', async () => {
      const left = await broughtTo('settling');
      const [taken] = await take();
      const outcome = await scene.ledger.transition(left.key, left.epoch, {
        to: 'undelivered',
        settlement: SETTLEMENT,
      });
      expect(outcome).toEqual({ kind: 'stale', record: taken });
    });

    it('takes an unknown payment when its check is due, whichever processes live, and again after the hold', async () => {
      const doubt = await unknownFrom(scene.now + 5000);
      await scene.ledger.beat(doubt.owner, scene.now);
      await scene.ledger.beat('finder', scene.now);
      scene.now += 4999;
      expect(await take()).toEqual([]);
      scene.now += 1;
      expect(await take()).toMatchObject([{ key: doubt.key, checks: 1, checkAt: scene.now + HOLD_MS }]);
      scene.now += HOLD_MS - 1;
      expect(await take()).toEqual([]);
      scene.now += 1;
      expect(await take()).toMatchObject([{ key: doubt.key, checks: 2 }]);
    });

    it('takes an owed payment when its check is due, and not while its answer is being sent', async () => {
      const forwarding = await broughtTo('forwarding');
      await scene.ledger.beat(forwarding.owner, scene.now);
      const owed = await moved(forwarding, { to: 'owed' });
      expect(await take()).toEqual([]);
      await moved(owed, { to: 'owed', checkAt: scene.now + 10 });
      expect(await take()).toEqual([]);
      scene.now += 10;
      expect(await take()).toMatchObject([{ key: owed.key, state: 'owed' }]);
    });

    it('takes what is due alone, and not what was left behind, and as many as asked for', async () => {
      const takeDue = async (count: number) => {
        const rows = await scene.ledger.takeDue('finder', scene.now, HOLD_MS, count);
        for (const row of rows) expect(row).toMatchObject({ owner: 'finder', checks: 1, checkAt: scene.now + HOLD_MS });
        return rows.map(({ key }) => key).toSorted();
      };
      for (const state of HELD) await broughtTo(state, paymentClaim({ name: `left in ${state}` }));
      const inDoubt = await unknownFrom(scene.now + 10, 'in doubt');
      await unknownFrom(scene.now + HOUR_MS, 'put back');
      const sent = await broughtTo('owed', paymentClaim({ name: 'owed' }));
      const owed = await moved(sent, { to: 'owed', answered: true, checkAt: scene.now + 10 });
      const settling = await broughtTo('settling', paymentClaim({ name: 'paid' }));
      const settled = await moved(settling, { to: 'delivered', settlement: SETTLEMENT, checkAt: scene.now + 10 });
      const failing = await broughtTo('settling', paymentClaim({ name: 'not paid' }));
      const debt = await moved(failing, { to: 'defaulted', reason: 'no money', checkAt: scene.now + 10 });
      expect(await takeDue(10)).toEqual([]);
      scene.now += 10;
      const [first = '', ...more] = await takeDue(1);
      expect(more).toEqual([]);
      expect([inDoubt.key, owed.key]).toContain(first);
      const taken = [first];
      for (let keys = await takeDue(10); keys.length > 0; keys = await takeDue(10)) taken.push(...keys);
      expect(taken.toSorted()).toEqual([inDoubt, owed, settled, debt].map(({ key }) => key).toSorted());
    });

    it('knows which processes live', async () => {
      const living = (at: number) => scene.ledger.livingOwners(at);
      expect(await living(scene.now)).toEqual(new Set());
      await scene.ledger.beat('first', scene.now);
      await scene.ledger.beat('second', scene.now + 1);
      await scene.ledger.beat('ending', scene.now + 1);
      await scene.ledger.retire('ending');
      expect(await living(scene.now + OWNER_GONE_MS - 1)).toEqual(new Set(['first', 'second']));
      expect(await living(scene.now + OWNER_GONE_MS)).toEqual(new Set(['second']));
    });

    it('takes what is owed alone, when it is due, once, and as many as asked for', async () => {
      const takeOwed = () => scene.ledger.takeOwed('finder', scene.now, HOLD_MS, 2);
      await unknownFrom(scene.now, 'in doubt');
      await broughtTo('settling', paymentClaim({ name: 'left behind' }));
      const sending = await broughtTo('owed', paymentClaim({ name: 'being sent' }));
      await scene.ledger.beat(sending.owner, scene.now);
      const keys: string[] = [];
      for (const [index, name] of ['first', 'second', 'third'].entries()) {
        const owed = await broughtTo('owed', paymentClaim({ name }));
        keys.push((await moved(owed, { to: 'owed', checkAt: scene.now + 10 + index })).key);
      }
      expect(await takeOwed()).toEqual([]);
      scene.now += 12;
      const taken = await takeOwed();
      expect(taken.map(({ key }) => key).sort()).toEqual(keys.slice(0, 2).sort());
      for (const row of taken) {
        expect(row).toMatchObject({ state: 'owed', owner: 'finder', checks: 1, checkAt: scene.now + HOLD_MS });
        expect(await scene.ledger.find(row.key)).toEqual(row);
      }
      expect((await takeOwed()).map(({ key }) => key)).toEqual(keys.slice(2));
      expect(await takeOwed()).toEqual([]);
    });

    it.each([
      'delivered',
      'undelivered',
      'delivered_in_part',
      'delivery_unknown',
    ] as const)('takes a %s payment once more when a check is planned and due', async (state) => {
      const settling = await broughtTo('settling');
      const record = await moved(settling, { to: state, settlement: SETTLEMENT, checkAt: scene.now + 1000 });
      expect(record.evidence).toBe(paymentClaim().evidence);
      expect(await take()).toEqual([]);
      scene.now += 1000;
      expect(await take()).toMatchObject([{ key: record.key, state, checks: 1 }]);
      expect(await take()).toEqual([]);
    });

    it.each(
      STATES.filter((state) => !HELD.includes(state) && state !== 'unknown'),
    )('leaves a %s payment without a planned check alone', async (state) => {
      await broughtTo(state);
      scene.now += 365 * 86_400_000;
      expect(await take()).toEqual([]);
    });

    it('takes no more payments than asked for, the longest due first', async () => {
      const late = await unknownFrom(scene.now + 2, 'late');
      const early = await unknownFrom(scene.now + 1, 'early');
      await unknownFrom(scene.now + 3, 'latest');
      scene.now += 10;
      expect((await take('finder', 2)).map(({ key }) => key).sort()).toEqual([early.key, late.key].sort());
      expect(await take('finder', 2)).toHaveLength(1);
    });

    it('gives each payment to one of many processes that ask at the same time', async () => {
      const keys: string[] = [];
      for (let index = 0; index < 30; index += 1) keys.push((await unknownFrom(scene.now, `open-${index}`)).key);
      const ledgers = [scene.ledger, await scene.another(), await scene.another()];
      const taken = await Promise.all(
        Array.from({ length: 12 }, (_, index) =>
          ledgers[index % 3]!.takeOpen(`finder-${index}`, scene.now, HOLD_MS, 10),
        ),
      );
      // Calls at the same time may get fewer payments than there are; nothing is taken twice.
      const rest = await take('last', 100);
      expect([...taken.flat(), ...rest].map(({ key }) => key).sort()).toEqual(keys.sort());
    });
  });
}

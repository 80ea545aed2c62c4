import { describe, expect, it } from 'vitest';
import { PublicNodes } from '../../../src/facilitator/remote/public-nodes.ts';
import type { DoubtfulSettlement, OpenWitness } from '../../../src/facilitator/remote/witness.ts';
import { scriptedPayment } from '../../support/scripted-facilitator.ts';

const { network: NETWORK } = scriptedPayment(2).offer;

describe('the reader of public nodes', () => {
  it('is loaded again after a failed load, and then only once', async () => {
    let loads = 0;
    const open: OpenWitness = () => ({
      paceMs: 1,
      servedChain: async () => NETWORK,
      confirm: async (_payment, said) => said,
      resolve: async () => ({ kind: 'unused' }),
      findForeign: async () => ({ kind: 'none' }),
    });
    const load = async (): Promise<OpenWitness> => {
      loads += 1;
      if (loads === 1) throw new Error('too many open files');
      return open;
    };
    const nodes = new PublicNodes({ publicNodes: new Map([[NETWORK, 'http://127.0.0.1:1']]) }, load, Date.now);
    const payment = scriptedPayment(2);
    const settlement = { payment, amount: payment.offer.amount, attempt: undefined, since: 0 };
    const doubt: DoubtfulSettlement = { ...settlement, askedAt: undefined };
    const { signal } = new AbortController();
    expect(await nodes.look(doubt, signal)).toBeUndefined();
    expect(await nodes.look(doubt, signal)).toEqual({ kind: 'unused' });
    expect(await nodes.look(doubt, signal)).toEqual({ kind: 'unused' });
    expect(loads).toBe(2);
  });
});

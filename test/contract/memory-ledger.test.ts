import { describe, expect, it } from 'vitest';
import { openMemoryLedger } from '../../src/store/memory/memory-ledger.ts';
import type { PaymentStore } from '../../src/store/payment-store.ts';
import { ledgerContract } from './ledger.contract.ts';
import { paymentClaim } from './ledger-scene.ts';

let last: PaymentStore;
ledgerContract('memory', {
  open: (clock) => {
    last = openMemoryLedger(clock);
    return last;
  },
  // Only the process that holds it can open it.
  again: () => last,
});

describe('the memory ledger', () => {
  it('returns records that callers cannot change', async () => {
    const ledger = openMemoryLedger();
    const { record } = await ledger.claim(paymentClaim());
    expect(Object.isFrozen(record)).toBe(true);
    await ledger.close();
  });
});

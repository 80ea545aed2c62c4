import type { StoreKind } from '../store-kind.ts';

/** `store: memory`: a ledger that ends with the process. */
export const memoryKind: StoreKind = {
  name: 'memory',
  example: 'memory',
  pattern: 'memory',
  lasting: false,
  isMeant: (given) => given === 'memory',
  parse: () => ({ ok: true, value: '' }),
  describe: () => 'memory',
  open: async () => (await import('./memory-ledger.ts')).openMemoryLedger(),
};

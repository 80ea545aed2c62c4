import { networkFamilies } from '../../../src/domain/network-family.ts';
import type { Registry } from '../../../src/registry.ts';
import { tollProtocol } from '../toll-protocol.ts';
import { wordMeter } from '../word-meter.ts';
import { harbourKind } from './harbour-facilitator.ts';
import { journalKind } from './journal-store.ts';
import { moorFamily } from './moor-family.ts';
import { tabScheme } from './tab-scheme.ts';

let words = 0;

/** A gateway of made-up parts alone: one member of each kind. */
export const madeUp: Registry = {
  protocols: [tollProtocol(() => `word${++words}`)],
  protocolKinds: [],
  answerReaders: [wordMeter()],
  doorKinds: [],
  families: networkFamilies([moorFamily]),
  storeKinds: [journalKind],
  facilitatorKinds: [harbourKind],
  loadSchemes: async () => [tabScheme],
};

import { failedAnswers } from './content/failed-answers.ts';
import type { AnswerReaders } from './domain/answer-reader.ts';
import type { FacilitatorSpec } from './domain/facilitator-spec.ts';
import type { Network } from './domain/network.ts';
import { type NetworkFamilies, networkFamilies } from './domain/network-family.ts';
import type { StoreSpec } from './domain/plan.ts';
import type { TokenReader } from './facilitator/chain/token-facts.ts';
import type { Facilitator } from './facilitator/facilitator.ts';
import type { OnFailedGas, openLocalFacilitator } from './facilitator/local/local-facilitator.ts';
import { openRelayedFacilitator } from './facilitator/relayed/relayed-facilitator.ts';
import type { WorkerChannel } from './facilitator/relayed/settlement-channel.ts';
import { openRemoteFacilitator, type StrangeReason } from './facilitator/remote/remote-facilitator.ts';
import type { OpenWitness } from './facilitator/remote/witness.ts';
import { addressForms } from './family/address-forms.ts';
import { eip155 } from './family/eip155/eip155.ts';
import { solana } from './family/solana/solana.ts';
import { meteredAnswers } from './metering/metered-answers.ts';
import type { Protocol } from './protocol/protocol.ts';
import { x402V1 } from './protocol/v1/x402-v1.ts';
import { x402V2 } from './protocol/v2/x402-v2.ts';
import { createExactAny } from './scheme/exact-any/exact-any.ts';
import { loadExactEvm } from './scheme/exact-evm/exact-evm.ts';
import { createExactSvm } from './scheme/exact-svm/exact-svm.ts';
import type { Scheme } from './scheme/scheme.ts';
import { loadUptoEvm } from './scheme/upto-evm/upto-evm.ts';
import type { LedgerReader } from './store/ledger-reader.ts';
import type { PaymentStore } from './store/payment-store.ts';

/*
 * The one list of what is built in. A new protocol, scheme, facilitator kind or store is a folder and a line here.
 *
 * What brings a library along that not every configuration needs is loaded when a configuration needs it: with the plan,
 * at start or reload, never by a request.
 */

/** Payment protocols, the preferred one first. */
export const protocols: readonly Protocol[] = [x402V2, x402V1];

/** Who may say what an answer costs, the first that does so first. */
export const answerReaders: readonly AnswerReaders[] = [meteredAnswers(), failedAnswers()];

/** Network families: how each writes its addresses and transactions. */
export const families: NetworkFamilies = networkFamilies([eip155, solana, ...addressForms]);

/** Loads the payment schemes; their cryptography is WebAssembly or native and loads asynchronously. */
export async function loadSchemes(): Promise<readonly Scheme[]> {
  return [await loadExactEvm(), await loadUptoEvm(), createExactSvm(), createExactAny()];
}

/** What was loaded for facilitators: what talks to chains is more to load than any other part of a gateway. */
interface LoadedParts {
  openLocalFacilitator?: typeof openLocalFacilitator;
  openWitness?: OpenWitness;
}

/** Added to the time that a settlement may take before a worker counts its outcome as unknown, in milliseconds. */
const RELAY_MARGIN_MS = 60_000;

/** Where a worker process sends settlements that it may not make itself. */
export interface WorkerSettlements {
  readonly channel: WorkerChannel;
  /** What the facilitator is called on the channel. */
  readonly id: string;
}

/** What a facilitator is opened with, and who is told of what it meets besides its answers. */
export interface FacilitatorReports {
  /** Default: those of this list. */
  readonly families?: NetworkFamilies | undefined;
  readonly onStrangeReason?: StrangeReason | undefined;
  readonly onFailedGas?: OnFailedGas | undefined;
}

/** One kind of facilitator: everything that differs between kinds. */
interface FacilitatorKind<Spec> {
  /** Whether it settles with a key of this gateway: only one process may use the key, and one such facilitator is enough. */
  readonly settlesHere: boolean;
  /** The networks it settles on; `undefined` when only the facilitator can tell. */
  networks(spec: Spec): readonly Network[] | undefined;
  /** Loads what these settings need, once for all of its kind. */
  load(spec: Spec, parts: LoadedParts): Promise<void>;
  /** Opens it. Nothing is sent before its first call. */
  open(spec: Spec, parts: LoadedParts, reports: FacilitatorReports): Facilitator;
  /** The facilitator that a worker process uses, made of the one that this process would use. */
  inWorker(spec: Spec, opened: Facilitator, settlements: WorkerSettlements): Facilitator;
}

const FACILITATOR_KINDS: {
  readonly [Kind in FacilitatorSpec['kind']]: FacilitatorKind<FacilitatorSpec & { kind: Kind }>;
} = {
  remote: {
    settlesHere: false,
    networks: () => undefined,
    async load({ rpc }, parts) {
      if (rpc.size > 0) parts.openWitness ??= await loadWitness();
    },
    open: (spec, { openWitness }, { families: known = families, onStrangeReason }) =>
      openRemoteFacilitator(spec, { families: known, openWitness, loadWitness, onStrangeReason }),
    inWorker: (_spec, opened) => opened,
  },
  local: {
    settlesHere: true,
    networks: ({ rpc }) => [...rpc.keys()],
    async load(_spec, parts) {
      const { openLocalFacilitator } = await import('./facilitator/local/local-facilitator.ts');
      parts.openLocalFacilitator ??= openLocalFacilitator;
    },
    open(spec, { openLocalFacilitator }, { onFailedGas }) {
      if (openLocalFacilitator === undefined) throw new Error(`the facilitator ${spec.name} was not loaded`);
      return openLocalFacilitator(spec, { onFailedGas });
    },
    inWorker: ({ settleTimeoutMs }, opened, { channel, id }) =>
      openRelayedFacilitator(opened, channel, { settleWithinMs: settleTimeoutMs + RELAY_MARGIN_MS, id }),
  },
};

/** The row of the table that belongs to these settings: the row is chosen by the kind, so it takes them. */
function kindOf({ kind }: FacilitatorSpec): FacilitatorKind<FacilitatorSpec> {
  return FACILITATOR_KINDS[kind];
}

async function loadWitness(): Promise<OpenWitness> {
  return (await import('./facilitator/remote/chain-witness.ts')).openChainWitness;
}

/** Whether a facilitator settles with a key of this gateway. */
export function settlesHere(spec: FacilitatorSpec): boolean {
  return kindOf(spec).settlesHere;
}

/** The networks that a facilitator settles on; `undefined` when only the facilitator can tell. */
export function settledNetworks(spec: FacilitatorSpec): readonly Network[] | undefined {
  return kindOf(spec).networks(spec);
}

/** Opens facilitators of the built-in kinds, and keeps what was loaded for them. */
export class FacilitatorOpener {
  readonly #parts: LoadedParts = {};

  /** Loads what these facilitators are made of. To be awaited before {@link open}. */
  async load(specs: readonly FacilitatorSpec[]): Promise<void> {
    for (const spec of specs) await kindOf(spec).load(spec, this.#parts);
  }

  /**
   * Opens a facilitator. Nothing is sent before its first call.
   *
   * @throws Error when {@link load} was not told of it
   */
  open(spec: FacilitatorSpec, reports: FacilitatorReports = {}): Facilitator {
    return kindOf(spec).open(spec, this.#parts, reports);
  }
}

/**
 * What a worker process uses in the place of a facilitator that it opened: one that settles with a key of this gateway
 * has it done by the process at the other end of the channel, which is the only one to use the key.
 */
export function inWorker(spec: FacilitatorSpec, opened: Facilitator, settlements: WorkerSettlements): Facilitator {
  return kindOf(spec).inWorker(spec, opened, settlements);
}

/** Loads what asks a contract about its token. */
export async function loadTokenReader(): Promise<TokenReader> {
  return (await import('./facilitator/chain/token-facts.ts')).readTokenFaults;
}

/** Opens the store; resolves once it is reachable and of this version. */
export async function openStore(spec: StoreSpec): Promise<PaymentStore> {
  switch (spec.kind) {
    case 'memory':
      return (await import('./store/memory/memory-ledger.ts')).openMemoryLedger();
    case 'sqlite':
      return await (await import('./store/sqlite/sqlite-ledger.ts')).openSqliteLedger(spec.path);
    case 'postgres':
      return await (await import('./store/postgres/postgres-ledger.ts')).openPostgresLedger(spec.url);
  }
}

/** A store that other processes than the one that keeps it can look at. */
export type LastingStore = Exclude<StoreSpec, { kind: 'memory' }>;

/** Opens the ledger of a store to look at it, which changes nothing about it. */
export async function openLedgerReader(spec: LastingStore): Promise<LedgerReader> {
  switch (spec.kind) {
    case 'sqlite':
      return await (await import('./store/sqlite/sqlite-ledger.ts')).openSqliteReader(spec.path);
    case 'postgres':
      return await (await import('./store/postgres/postgres-ledger.ts')).openPostgresReader(spec.url);
  }
}

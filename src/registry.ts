import { authzKind } from './authz/authz-kind.ts';
import { failedAnswers } from './content/failed-answers.ts';
import type { AnswerReaders } from './domain/answer-reader.ts';
import type { FacilitatorSpec } from './domain/facilitator-spec.ts';
import { type Network, networkFamily } from './domain/network.ts';
import { type NetworkFamilies, networkFamilies } from './domain/network-family.ts';
import type { StoreSpec } from './domain/store-spec.ts';
import type { TokenReader } from './facilitator/chain/token-facts.ts';
import type { Facilitator } from './facilitator/facilitator.ts';
import type { FacilitatorKind } from './facilitator/facilitator-kind.ts';
import type { OnFailedGas, openLocalFacilitator } from './facilitator/local/local-facilitator.ts';
import { openRelayedFacilitator } from './facilitator/relayed/relayed-facilitator.ts';
import type { WorkerChannel } from './facilitator/relayed/settlement-channel.ts';
import { openRemoteFacilitator, type StrangeReason } from './facilitator/remote/remote-facilitator.ts';
import type { OpenWitness } from './facilitator/remote/witness.ts';
import { loadTransferMethods } from './facilitator/transfer-method/transfer-methods.ts';
import { addressForms } from './family/address-forms.ts';
import { eip155 } from './family/eip155/eip155.ts';
import { solana } from './family/solana/solana.ts';
import { meteredAnswers } from './metering/metered-answers.ts';
import type { DoorKind } from './pipeline/door.ts';
import { mppKind } from './protocol/mpp/mpp-kind.ts';
import type { Protocol } from './protocol/protocol.ts';
import type { ProtocolKind } from './protocol/protocol-kind.ts';
import { x402V1 } from './protocol/v1/x402-v1.ts';
import { x402V2 } from './protocol/v2/x402-v2.ts';
import { createExactAny } from './scheme/exact-any/exact-any.ts';
import { loadExactEvm } from './scheme/exact-evm/exact-evm.ts';
import { createExactSvm } from './scheme/exact-svm/exact-svm.ts';
import type { Scheme } from './scheme/scheme.ts';
import { loadUptoEvm } from './scheme/upto-evm/upto-evm.ts';
import { memoryKind } from './store/memory/memory-kind.ts';
import type { PaymentStore } from './store/payment-store.ts';
import { postgresKind } from './store/postgres/postgres-kind.ts';
import { sqliteKind } from './store/sqlite/sqlite-kind.ts';
import type { StoreKind } from './store/store-kind.ts';

/*
 * The one list of what is built in. A new protocol, scheme, network family, facilitator kind or store is a folder and a
 * line here.
 *
 * What brings a library along that not every configuration needs is loaded when a configuration needs it: with the plan,
 * at start or reload, never by a request.
 */

/** Payment protocols that need nothing but their code, the preferred one first. */
export const protocols: readonly Protocol[] = [x402V2, x402V1];

/** Payment protocols that are opened with the plan whose routes speak them; less preferred than those above. */
export const protocolKinds: readonly ProtocolKind[] = [mppKind];

/** Who may say what an answer costs, the first that does so first. */
export const answerReaders: readonly AnswerReaders[] = [meteredAnswers(), failedAnswers()];

/** Uses of the public listener beside that of a proxy; the first that a plan asks for is its use. */
export const doorKinds: readonly DoorKind[] = [authzKind];

/** Network families: how each writes its addresses and transactions. */
export const families: NetworkFamilies = networkFamilies([eip155, solana, ...addressForms]);

/** Loads the payment schemes; their cryptography is WebAssembly or native and loads asynchronously. */
export async function loadSchemes(): Promise<readonly Scheme[]> {
  return [await loadExactEvm(), await loadUptoEvm(), createExactSvm(), createExactAny()];
}

/** What was loaded for facilitators: what talks to chains is more to load than any other part of a gateway. */
interface LoadedParts {
  openLocalFacilitator?: typeof openLocalFacilitator;
  /** By family. */
  readonly witnesses: Map<string, OpenWitness>;
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

/** One kind of facilitator settings: everything that differs between them. */
interface SpecKind<Spec> {
  /** Whether it settles with a key of this gateway: only one process may use the key, and one such facilitator is enough. */
  settlesHere(spec: Spec): boolean;
  /** The networks it settles on; `undefined` when only the facilitator can tell. */
  networks(spec: Spec): readonly Network[] | undefined;
  /** Loads what these settings need, once for all of its kind. */
  load(spec: Spec, parts: LoadedParts): Promise<void>;
  /** Opens it. Nothing is sent before its first call. */
  open(spec: Spec, parts: LoadedParts, reports: FacilitatorReports, added: readonly FacilitatorKind[]): Facilitator;
  /** The facilitator that a worker process uses, made of the one that this process would use. */
  inWorker(spec: Spec, opened: Facilitator, settlements: WorkerSettlements): Facilitator;
}

const SPEC_KINDS: {
  readonly [Kind in FacilitatorSpec['kind']]: SpecKind<FacilitatorSpec & { kind: Kind }>;
} = {
  remote: {
    settlesHere: () => false,
    networks: () => undefined,
    async load({ rpc }, parts) {
      for (const network of rpc.keys()) parts.witnesses.set(networkFamily(network), await loadWitness(network));
    },
    open: (spec, { witnesses }, { families: known = families, onStrangeReason }) => {
      const openWitness: OpenWitness = (network, ...how) => {
        const open = witnesses.get(networkFamily(network));
        if (open === undefined) throw new Error(`nothing was loaded to read the nodes of ${network} with`);
        return open(network, ...how);
      };
      return openRemoteFacilitator(spec, { families: known, openWitness, loadWitness, onStrangeReason });
    },
    inWorker: (_spec, opened) => opened,
  },
  local: {
    settlesHere: () => true,
    networks: ({ rpc }) => [...rpc.keys()],
    async load(_spec, parts) {
      const { openLocalFacilitator } = await import('./facilitator/local/local-facilitator.ts');
      await loadTransferMethods();
      parts.openLocalFacilitator ??= openLocalFacilitator;
    },
    open(spec, { openLocalFacilitator }, { onFailedGas }) {
      if (openLocalFacilitator === undefined) throw new Error(`the facilitator ${spec.name} was not loaded`);
      return openLocalFacilitator(spec, { onFailedGas });
    },
    inWorker: relayed,
  },
  added: {
    settlesHere: (spec) => spec.settlesHere,
    networks: ({ networks }) => networks,
    load: async () => {},
    open(spec, _parts, _reports, added) {
      const kind = added.find(({ name }) => name === spec.of);
      if (kind === undefined) throw new Error(`there is no facilitator of the kind ${spec.of}`);
      return kind.open(spec);
    },
    inWorker: (spec, opened, settlements) => (spec.settlesHere ? relayed(spec, opened, settlements) : opened),
  },
};

/** Has settlements made by the process that holds the key. */
function relayed(
  { settleTimeoutMs }: Pick<FacilitatorSpec, 'settleTimeoutMs'>,
  opened: Facilitator,
  { channel, id }: WorkerSettlements,
): Facilitator {
  return openRelayedFacilitator(opened, channel, { settleWithinMs: settleTimeoutMs + RELAY_MARGIN_MS, id });
}

/** The row of the table that belongs to these settings: the row is chosen by the kind, so it takes them. */
function kindOf({ kind }: FacilitatorSpec): SpecKind<FacilitatorSpec> {
  return SPEC_KINDS[kind];
}

/** Who reads the chains of a family for themselves, through JSON-RPC nodes. */
const WITNESSES: Readonly<Record<string, () => Promise<OpenWitness>>> = {
  eip155: async () => {
    await loadTransferMethods();
    return (await import('./facilitator/remote/chain-witness.ts')).openChainWitness;
  },
  solana: async () => (await import('./facilitator/solana/solana-witness.ts')).openSolanaWitness,
};

/** The families whose settlements a node can prove: `facilitator.rpc` takes their networks. */
export const provableFamilies: ReadonlySet<string> = new Set(Object.keys(WITNESSES));

/** Loads what reads the nodes of a network. */
export async function loadWitness(network: Network): Promise<OpenWitness> {
  const load = WITNESSES[networkFamily(network)];
  if (load === undefined) throw new Error(`nothing reads the nodes of ${network}`);
  return await load();
}

/** Whether a facilitator settles with a key of this gateway. */
export function settlesHere(spec: FacilitatorSpec): boolean {
  return kindOf(spec).settlesHere(spec);
}

/** The networks that a facilitator settles on; `undefined` when only the facilitator can tell. */
export function settledNetworks(spec: FacilitatorSpec): readonly Network[] | undefined {
  return kindOf(spec).networks(spec);
}

/** Opens facilitators, and keeps what was loaded for them. */
export class FacilitatorOpener {
  readonly #parts: LoadedParts = { witnesses: new Map() };
  readonly #added: readonly FacilitatorKind[];

  /** @param registry with the kinds of facilitators beside the built-in ones */
  constructor({ facilitatorKinds }: Pick<Registry, 'facilitatorKinds'> = { facilitatorKinds: [] }) {
    this.#added = facilitatorKinds;
  }

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
    return kindOf(spec).open(spec, this.#parts, reports, this.#added);
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

/** Kinds of stores, in the order of messages. */
export const storeKinds: readonly StoreKind[] = [sqliteKind, postgresKind, memoryKind];

/** What a gateway is made of. */
export interface Registry {
  /** Payment protocols, the preferred one first. */
  readonly protocols: readonly Protocol[];
  /** Those that are opened with the plan whose routes speak them. */
  readonly protocolKinds: readonly ProtocolKind[];
  /** Who may say what an answer costs, the first that does so first. */
  readonly answerReaders: readonly AnswerReaders[];
  /** Uses of the public listener beside that of a proxy; the first that a plan asks for is its use. */
  readonly doorKinds: readonly DoorKind[];
  readonly families: NetworkFamilies;
  readonly storeKinds: readonly StoreKind[];
  /** Kinds of facilitators beside `remote` and `local`. */
  readonly facilitatorKinds: readonly FacilitatorKind[];
  /** Loads the payment schemes. */
  loadSchemes(): Promise<readonly Scheme[]>;
}

/**
 * What is built in. A program that embeds the gateway gives `run` or `startGateway` one of its own, such as
 * `{ ...builtIn, storeKinds: [...builtIn.storeKinds, mine] }`; `test/extension/` shows one of each kind.
 */
export const builtIn: Registry = {
  protocols,
  protocolKinds,
  answerReaders,
  doorKinds,
  families,
  storeKinds,
  facilitatorKinds: [],
  loadSchemes,
};

/**
 * The kind of a store.
 *
 * @throws Error when there is none of that name: the settings were read with another registry
 */
export function storeKind(
  { kind }: Pick<StoreSpec, 'kind'>,
  { storeKinds: kinds }: Pick<Registry, 'storeKinds'>,
): StoreKind {
  const found = kinds.find(({ name }) => name === kind);
  if (found === undefined) throw new Error(`there is no store of the kind ${kind}`);
  return found;
}

/**
 * Opens the store; resolves once it is reachable and of this version.
 *
 * @throws StoreOpenError
 */
export function openStore(spec: StoreSpec, registry: Pick<Registry, 'storeKinds'> = builtIn): Promise<PaymentStore> {
  return storeKind(spec, registry).open(spec.location);
}

import type { FacilitatorSpec } from './domain/facilitator-spec.ts';
import type { StoreSpec } from './domain/plan.ts';
import type { TokenReader } from './facilitator/chain/token-facts.ts';
import type { Facilitator } from './facilitator/facilitator.ts';
import type { openLocalFacilitator } from './facilitator/local/local-facilitator.ts';
import { openRelayedFacilitator } from './facilitator/relayed/relayed-facilitator.ts';
import type { WorkerChannel } from './facilitator/relayed/settlement-channel.ts';
import { openRemoteFacilitator, type StrangeReason } from './facilitator/remote/remote-facilitator.ts';
import type { OpenWitness } from './facilitator/remote/witness.ts';
import type { Protocol } from './protocol/protocol.ts';
import { x402V1 } from './protocol/v1/x402-v1.ts';
import { x402V2 } from './protocol/v2/x402-v2.ts';
import { loadExactEvm } from './scheme/exact-evm/exact-evm.ts';
import type { Scheme } from './scheme/scheme.ts';
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

/** Loads the payment schemes; their cryptography is WebAssembly or native and loads asynchronously. */
export async function loadSchemes(): Promise<readonly Scheme[]> {
  return [await loadExactEvm()];
}

/** What talks to chains, more than any other part of a gateway to load, once it was loaded. */
const chains: { openLocalFacilitator?: typeof openLocalFacilitator; openWitness?: OpenWitness } = {};

/** Loads what these facilitators are made of. To be awaited before {@link openFacilitator}. */
export async function loadFacilitators(specs: readonly FacilitatorSpec[]): Promise<void> {
  for (const spec of specs) {
    switch (spec.kind) {
      case 'remote':
        if (spec.rpc.size === 0) break;
        chains.openWitness ??= (await import('./facilitator/remote/chain-witness.ts')).openChainWitness;
        break;
      case 'local':
        chains.openLocalFacilitator ??= (await import('./facilitator/local/local-facilitator.ts')).openLocalFacilitator;
    }
  }
}

/**
 * Opens a facilitator. Nothing is sent before its first call.
 *
 * @throws Error when {@link loadFacilitators} was not told of it
 */
export function openFacilitator(spec: FacilitatorSpec, onStrangeReason?: StrangeReason): Facilitator {
  switch (spec.kind) {
    case 'remote':
      return openRemoteFacilitator(spec, {
        openWitness: chains.openWitness,
        loadWitness: async () => (await import('./facilitator/remote/chain-witness.ts')).openChainWitness,
        onStrangeReason,
      });
    case 'local':
      if (chains.openLocalFacilitator === undefined) throw new Error(`the facilitator ${spec.name} was not loaded`);
      return chains.openLocalFacilitator(spec);
  }
}

/** Added to the time that a settlement may take before a worker counts its outcome as unknown, in milliseconds. */
const RELAY_MARGIN_MS = 60_000;

/**
 * Opens a facilitator of a worker process: one that settles with a key of ours has it done by the process at the other
 * end of `channel`, which is the only one to use the key.
 *
 * @param id what it is called on the channel
 */
export function openWorkerFacilitator(
  spec: FacilitatorSpec,
  channel: WorkerChannel,
  id: string,
  onStrangeReason?: StrangeReason,
): Facilitator {
  switch (spec.kind) {
    case 'remote':
      return openFacilitator(spec, onStrangeReason);
    case 'local':
      return openRelayedFacilitator(openFacilitator(spec), channel, {
        settleWithinMs: spec.settleTimeoutMs + RELAY_MARGIN_MS,
        id,
      });
  }
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

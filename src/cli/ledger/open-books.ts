import { type Command, Option } from 'commander';
import { AssetNames } from '../../admin/asset-names.ts';
import { readAssetTable } from '../../config/asset-table.ts';
import type { BooksPlan } from '../../config/compile.ts';
import { parseStore } from '../../config/store-keys.ts';
import { type GatewayError, isStoreFault } from '../../domain/gateway-error.ts';
import type { StoreSpec } from '../../domain/store-spec.ts';
import { openStore, type Registry, storeKind } from '../../registry.ts';
import type { LedgerReader } from '../../store/ledger-reader.ts';
import type { PaymentStore } from '../../store/payment-store.ts';
import type { StoreKind } from '../../store/store-kind.ts';
import type { CliWorld } from '../cli.ts';
import { CommandFailure, type ExitCode, UsageError } from '../exit.ts';
import { DEFAULT_FILE, readBooks } from '../read-plan.ts';
import { notice, type Terminal } from '../terminal.ts';
import { Outlet, ReaderGone } from './outlet.ts';

/** What the commands read from and write to. Nothing in it can change the ledger. */
export interface OpenBooks {
  readonly books: Omit<LedgerReader, 'close'>;
  readonly assets: AssetNames;
  /** The ledger's name for messages, without the password: an empty ledger is often the wrong one. */
  readonly name: string;
  readonly out: Outlet;
}

/** Where a ledger is: a configuration file says it, or the store itself is given. */
export interface BooksPlace {
  readonly config: string;
  readonly store?: string;
}

/** What a command needs to know before anything is opened. */
export interface BooksRequest {
  readonly place: BooksPlace;
  readonly world: CliWorld;
  /** The route that is asked for, if one is. */
  readonly route?: string | undefined;
}

/**
 * Opens the ledger that the configuration names, and closes it after `use`. A reader of the output that has gone ends
 * the command as if it had been done.
 *
 * @throws UsageError for a store that no other process can read
 * @throws CommandFailure when there is no ledger, or it cannot be read
 */
export async function withBooks(
  { place, world, route }: BooksRequest,
  use: (open: OpenBooks) => Promise<ExitCode>,
): Promise<ExitCode> {
  const { terminal, registry } = world;
  const plan = await readPlace(place, world);
  const kind = storeKind(plan.store, registry);
  const { location } = requireReadable(plan.store, registry);
  if (place.store === undefined) noteUnknownRoute(plan, route, terminal);
  const store = await readingOf(kind).open(location);
  try {
    const assets = new AssetNames(plan, readAssetTable(), registry.families);
    const open = { books: store, assets, name: kind.describe(location), out: new Outlet(terminal.stdout) };
    return await unlessUnreadable(() => use(open));
  } catch (fault) {
    if (fault instanceof ReaderGone) return 0;
    throw fault;
  } finally {
    await store.close();
  }
}

/**
 * Finds out where a ledger is.
 *
 * @throws UsageError
 */
export async function readPlace({ config, store }: BooksPlace, world: CliWorld): Promise<BooksPlan> {
  if (store === undefined) return await readBooks(config, world);
  const parsed = parseStore(store, world.registry.storeKinds);
  if (parsed.ok) return { store: parsed.value, routes: [] };
  // Without the text: it holds a password.
  throw new UsageError(`--store: ${parsed.wrong}; right is ${parsed.right}`);
}

/** Adds the options that say which ledger is meant. */
export function addPlace(command: Command): Command {
  return command
    .option('-c, --config <file>', 'configuration file, of which only the store and the assets matter', DEFAULT_FILE)
    .addOption(new Option('--store <url>', 'the store itself, in place of a file').conflicts('config'));
}

/**
 * Makes sure that there is a store that another process than the gateway can open.
 *
 * @throws UsageError for a store such as `memory`
 * @throws CommandFailure where there is no store yet
 */
export function requireReadable(store: StoreSpec, registry: Registry): StoreSpec {
  const missing = readingOf(storeKind(store, registry)).whyMissing(store.location);
  if (missing !== undefined) throw new CommandFailure(missing);
  return store;
}

/**
 * Opens a store in which a command changes something. Only the gateway brings a ledger to a newer schema: an older
 * gateway that runs on it would not start again.
 *
 * @throws UsageError for a store such as `memory`
 * @throws CommandFailure where there is no store yet
 * @throws StoreOpenError where the store has the schema of another version
 */
export async function openToChange(spec: StoreSpec, registry: Registry): Promise<PaymentStore> {
  const { location } = requireReadable(spec, registry);
  const reader = await readingOf(storeKind(spec, registry)).open(location);
  await reader.close();
  return await openStore(spec, registry);
}

function readingOf({ name, reading }: StoreKind): NonNullable<StoreKind['reading']> {
  if (reading !== undefined) return reading;
  throw new UsageError(
    `with \`store: ${name}\` there is no ledger to read: it lives inside the running gateway and ends with it; a ledger that lasts is \`store: sqlite:./turnpike.db\` or \`postgres://…\``,
  );
}

/** A ledger may well know routes that the configuration does not have any more, so that this is no error. */
function noteUnknownRoute({ routes }: BooksPlan, route: string | undefined, terminal: Terminal): void {
  if (route === undefined || routes.some(({ name }) => name === route)) return;
  notice(terminal, `note: the configuration has no route named ${JSON.stringify(route)} (see turnpike routes --json)`);
}

/**
 * Does something with the store, and says in an operator's words that it could not be read.
 *
 * @throws CommandFailure
 */
export async function unlessUnreadable<T>(act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (fault) {
    if (isStoreFault(fault)) throw unreadable(fault);
    throw fault;
  }
}

function unreadable(fault: GatewayError): CommandFailure {
  const reason = fault.cause instanceof Error ? fault.cause.message : fault.message;
  return new CommandFailure(`the ledger cannot be read\n  reason: ${reason}`, { cause: fault });
}

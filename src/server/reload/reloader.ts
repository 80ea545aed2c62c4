import { differenceOf, fixedKeysChanged, renderChange } from '../../config/difference.ts';
import { renderProblem } from '../../config/problem.ts';
import { describeShadowed } from '../../config/shadowed-routes.ts';
import type { Plan } from '../../domain/plan.ts';
import { describeCause } from '../../observe/cause.ts';
import type { ConfigMetrics } from '../../observe/config-metrics.ts';
import type { Logger } from '../../observe/log.ts';
import { UnservedOfferError } from '../readiness.ts';
import type { ReadinessCheck } from '../readiness-check.ts';
import type { TokenCheck } from '../token-check.ts';
import {
  type ConfigReading,
  digestsOf,
  type FileContents,
  type FileDigests,
  isUnchanged,
  type ReadFile,
} from './config-reading.ts';
import { type FileWatch, watchFiles } from './file-watch.ts';
import { type ReloadEvent, ReloadHistory, type Reloads } from './reload-history.ts';

/** Most problems that the readiness page shows; the log has all of them. */
const MOST_SHOWN = 5;

const CUT_SHORT =
  'the file ends within a line and lacks routes of the one in force, as half a file does; expected a line end after its last line';

/** A gateway that can change to another plan. */
export interface Reloadable {
  /**
   * Puts the plan in force before it resolves, or changes nothing and rejects.
   *
   * @param contents the files that the plan was read from
   */
  reload(plan: Plan, contents: FileContents): Promise<void>;
}

/** The parts of a reloader. */
export interface ReloaderDeps {
  /** Reads the configuration as it is now. */
  readonly read: () => ConfigReading;
  /** Reads one of its files. */
  readonly readFile: ReadFile;
  /** The file's name in messages. */
  readonly file: string;
  readonly log: Logger;
  /** Asks contracts whether they are the tokens that the configuration describes. */
  readonly tokens: TokenCheck;
  /** Unix milliseconds. */
  readonly clock?: () => number;
}

/** The plan in force, and the files that it was read from. */
interface InForce {
  readonly plan: Plan;
  readonly digests: FileDigests;
  /** Whether the file ended with a line end. */
  readonly isWhole: boolean;
}

/**
 * Applies changes of the configuration file. A sound file comes into force as a whole; a bad one changes nothing, and
 * is reported in the log, in the metrics and on `/readyz` until a sound one replaces it.
 */
export class Reloader implements Reloads {
  readonly #deps: ReloaderDeps;
  readonly #watch: FileWatch;
  readonly #clock: () => number;
  #inForce: InForce;
  /** The content that was read last, good or bad: the same content is not checked again. */
  #looked: FileDigests;
  #refusal: readonly string[] | undefined;
  #since: number;
  #gateway: Reloadable | undefined;
  #metrics: ConfigMetrics | undefined;
  #work: Promise<void> = Promise.resolve();
  readonly #history = new ReloadHistory();
  #closed = false;

  /** @param contents the files that the plan in force was read from */
  constructor({ plan, contents }: { readonly plan: Plan; readonly contents: FileContents }, deps: ReloaderDeps) {
    this.#deps = deps;
    this.#clock = deps.clock ?? Date.now;
    this.#inForce = { plan, digests: digestsOf(contents), isWhole: this.#isWhole(contents) };
    this.#looked = this.#inForce.digests;
    this.#since = this.#clock();
    this.#history.add({ at: this.#since, outcome: 'started', changes: [], notes: [] });
    this.#watch = watchFiles(() => void this.#inTurn(false));
  }

  /** Begins to watch the file, which may have changed since it was read. */
  begin(gateway: Reloadable, metrics: ConfigMetrics): void {
    this.#gateway = gateway;
    this.#metrics = metrics;
    metrics.inForceSince(this.#since);
    this.#warn();
    this.#follow();
  }

  /** The plan in force. */
  get plan(): Plan {
    return this.#inForce.plan;
  }

  history(): readonly ReloadEvent[] {
    return this.#history.events;
  }

  /** Re-reads the file now, changed or not. Resolves when done, whether it was applied or refused. */
  async reload(): Promise<void> {
    await this.#inTurn(true);
  }

  /** The check for `/readyz`: with a bad file the gateway goes on with the plan in force, and is ready. */
  check(): ReadinessCheck {
    const since = `in force since ${new Date(this.#since).toISOString()}`;
    const sound = { name: 'configuration', scope: 'process', ready: true } as const;
    const wrong = this.#deps.tokens.problems;
    const details = [since];
    if (this.#refusal !== undefined) details.push(`the file was refused: ${shorten(this.#refusal)}`);
    if (wrong.length > 0) details.push(`tokens are not what it says: ${shorten(wrong.map(renderProblem))}`);
    return { ...sound, detail: details.join('; ') };
  }

  /** Stops watching the file, and resolves when no reload is running. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#watch.close();
    this.#deps.tokens.close();
    await this.#work;
  }

  #follow(): void {
    this.#watch.follow([this.#deps.file, ...this.#inForce.digests.keys(), ...this.#looked.keys()]);
  }

  /** One at a time. */
  async #inTurn(asked: boolean): Promise<void> {
    this.#work = this.#work.then(() => this.#look(asked));
    await this.#work;
  }

  async #look(asked: boolean): Promise<void> {
    const { readFile, read } = this.#deps;
    if (this.#closed || this.#gateway === undefined) return;
    if (!asked && isUnchanged(this.#looked, readFile)) return;
    try {
      const reading = read();
      this.#looked = digestsOf(reading.contents);
      this.#follow();
      await this.#apply(reading, this.#gateway);
    } catch (fault) {
      this.#refuse([describeFault(fault)]);
    }
  }

  async #apply({ loaded, contents }: ConfigReading, gateway: Reloadable): Promise<void> {
    if (!loaded.ok) return this.#refuse(loaded.problems.map(renderProblem));
    const { log, file } = this.#deps;
    const { plan } = loaded;
    if (this.#isCutShort(contents, plan)) return this.#refuse([`${file}: ${CUT_SHORT}`]);
    const fixed = fixedKeysChanged(this.#inForce.plan, plan);
    if (fixed.length > 0) return this.#refuse(fixed.map((key) => `${file}: restart to change ${key}`));
    const { problems, unasked, silent } = await this.#deps.tokens.ask(loaded.claims);
    if (problems.length > 0) return this.#refuse(problems.map(renderProblem));
    const warnings = [...loaded.warnings, ...unasked].map(renderProblem);
    const changes = differenceOf(this.#inForce.plan, plan).map(renderChange);
    if (changes.length > 0) await gateway.reload(plan, contents);
    this.#inForce = {
      plan: changes.length > 0 ? plan : this.#inForce.plan,
      digests: this.#looked,
      isWhole: this.#isWhole(contents),
    };
    this.#deps.tokens.follow(silent);
    this.#refusal = undefined;
    this.#since = changes.length > 0 ? this.#clock() : this.#since;
    this.#metrics?.inForceSince(this.#clock());
    const outcome = changes.length > 0 ? 'applied' : 'unchanged';
    this.#metrics?.reloaded(outcome);
    this.#history.add({ at: this.#clock(), outcome, changes, notes: warnings });
    const said = changes.length > 0 ? 'configuration changed' : 'configuration read again, nothing changed';
    this.#warn();
    log.info({ file, changes, ...(warnings.length > 0 && { warnings }) }, said);
  }

  /**
   * Half a file may be good YAML without its last routes, and with `unmatched: pass` they would be free. A full disk or
   * a copy that hangs seldom ends it at the end of a line.
   */
  #isCutShort(contents: FileContents, { routes }: Plan): boolean {
    if (this.#isWhole(contents) || !this.#inForce.isWhole) return false;
    const names = new Set(routes.map(({ name }) => name));
    return this.#inForce.plan.routes.some(({ name }) => !names.has(name));
  }

  #isWhole(contents: FileContents): boolean {
    return contents.get(this.#deps.file)?.endsWith('\n') === true;
  }

  /** Logged whenever a plan comes into force: an operator must not learn of these from the ledger. */
  #warn(): void {
    const shadowed = describeShadowed(this.#inForce.plan);
    if (shadowed !== undefined) this.#deps.log.warn(shadowed);
  }

  #refuse(problems: readonly string[]): void {
    this.#refusal = problems;
    this.#metrics?.reloaded('refused');
    this.#history.add({ at: this.#clock(), outcome: 'refused', changes: [], notes: problems });
    this.#deps.log.error({ file: this.#deps.file, problems }, 'configuration refused, the one in force stays');
  }
}

function shorten(problems: readonly string[]): string {
  const more = problems.length - MOST_SHOWN;
  return [...problems.slice(0, MOST_SHOWN), ...(more > 0 ? [`${more} more`] : [])].join('; ');
}

/** Why a sound file does not come into force. */
function describeFault(fault: unknown): string {
  if (fault instanceof UnservedOfferError) return fault.message;
  return describeCause(fault) ?? String(fault);
}

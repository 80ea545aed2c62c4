import { settingsText } from './same-settings.ts';

/** How things are opened, closed and compared. */
export interface LeaseRules<Settings, Thing> {
  readonly open: (settings: Settings) => Thing;
  /** Is called when the last user gave the thing back. It may call {@link Leases.end}, now or later. */
  readonly unused: (settings: Settings, thing: Thing) => void | Promise<void>;
  /** Equal for settings that share a thing. Default: all of them count. */
  readonly idOf?: (settings: Settings) => string;
}

/** What is open for some settings, and how many use it. */
interface Entry<Settings, Thing> {
  readonly settings: Settings;
  readonly thing: Thing;
  users: number;
}

/**
 * Things that are opened from settings and shared by all users with equal settings: a new plan keeps the connections of
 * the one before, where their settings did not change.
 */
export class Leases<Settings, Thing> {
  readonly #rules: LeaseRules<Settings, Thing>;
  readonly #idOf: (settings: Settings) => string;
  readonly #entries = new Map<string, Entry<Settings, Thing>>();

  constructor(rules: LeaseRules<Settings, Thing>) {
    this.#rules = rules;
    this.#idOf = rules.idOf ?? settingsText;
  }

  /** Leases of things that are closed when their last user gives them back. */
  static closing<Settings, Thing>(
    open: (settings: Settings) => Thing,
    close: (thing: Thing) => void,
    idOf?: (settings: Settings) => string,
  ): Leases<Settings, Thing> {
    const leases: Leases<Settings, Thing> = new Leases({
      open,
      unused: (settings, thing) => {
        leases.end(settings);
        close(thing);
      },
      ...(idOf === undefined ? {} : { idOf }),
    });
    return leases;
  }

  /** All that are open, the oldest first. */
  get open(): readonly { readonly settings: Settings; readonly thing: Thing; readonly users: number }[] {
    return [...this.#entries.values()];
  }

  /** What is open for these settings. */
  find(settings: Settings): Thing | undefined {
    return this.#entries.get(this.#idOf(settings))?.thing;
  }

  /** Takes what belongs to these settings, and opens it where it is not open. */
  lease(settings: Settings): Thing {
    const id = this.#idOf(settings);
    const entry = this.#entries.get(id) ?? { settings, thing: this.#rules.open(settings), users: 0 };
    this.#entries.set(id, entry);
    entry.users += 1;
    return entry.thing;
  }

  /** Gives back what one call of {@link lease} took. Returns the result of the rule for unused things. */
  release(settings: Settings): void | Promise<void> {
    const entry = this.#entries.get(this.#idOf(settings));
    if (entry === undefined || entry.users === 0) throw new Error('what was never leased is given back');
    entry.users -= 1;
    return entry.users === 0 ? this.#rules.unused(entry.settings, entry.thing) : undefined;
  }

  /** Drops the thing with these settings, even if it is in use: the next lease opens it again. Closes nothing. */
  end(settings: Settings): void {
    this.#entries.delete(this.#idOf(settings));
  }
}

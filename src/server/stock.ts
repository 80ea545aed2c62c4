import { settingsText } from '../domain/same-settings.ts';

/** What is open for some settings, and how many use it. */
interface Entry<Thing> {
  readonly thing: Thing;
  users: number;
}

/**
 * Things that are opened from settings and shared by all whose settings are equal: a new plan goes on with the
 * connections of the one before it, where nothing was changed about them.
 */
export class Stock<Settings, Thing> {
  readonly #open: (settings: Settings) => Thing;
  readonly #close: (thing: Thing) => void;
  readonly #entries = new Map<string, Entry<Thing>>();

  /** @param close is called when nobody uses the thing any more */
  constructor(open: (settings: Settings) => Thing, close: (thing: Thing) => void) {
    this.#open = open;
    this.#close = close;
  }

  /** Whether somebody uses what belongs to these settings. */
  holds(settings: Settings): boolean {
    return this.#entries.has(settingsText(settings));
  }

  /** Takes what belongs to these settings, and opens it where it is not open. */
  lease(settings: Settings): Thing {
    const id = settingsText(settings);
    const entry = this.#entries.get(id) ?? { thing: this.#open(settings), users: 0 };
    this.#entries.set(id, entry);
    entry.users += 1;
    return entry.thing;
  }

  /** Gives back what one call of {@link lease} took. */
  release(settings: Settings): void {
    const id = settingsText(settings);
    const entry = this.#entries.get(id);
    if (entry === undefined) throw new Error('what was never leased is given back');
    entry.users -= 1;
    if (entry.users > 0) return;
    this.#entries.delete(id);
    this.#close(entry.thing);
  }
}

import type { Place } from './source.ts';

/**
 * A key that a map does not have. A route lacks some twenty of them, and few are ever reported: their place is computed
 * on demand.
 */
export class AbsentKey {
  readonly kind = 'absent';
  readonly #map: Place;
  readonly #name: string;

  /** @param map the map that lacks it */
  constructor(map: Place, name: string) {
    this.#map = map;
    this.#name = name;
  }

  get place(): Place {
    const { offset, path } = this.#map;
    return { node: undefined, offset, path: keyPath(path, this.#name) };
  }
}

/** What the configuration calls a key of the map at `path`. */
export function keyPath(path: string, name: string): string {
  const shown = name.length > 64 ? `${name.slice(0, 64)}…` : name;
  return path === '' ? shown : `${path}.${shown}`;
}

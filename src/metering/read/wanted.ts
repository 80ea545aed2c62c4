import { foldKey } from '../../domain/fold-key.ts';

/**
 * A tree of the members that are looked for in a document, by name; `*` stands for any element of an array, and `**` at
 * the end of a pointer for a place with everything below it.
 */
export interface Wanted {
  /** The RFC 6901 pointer of this place, where it is one that was asked for. */
  readonly pointer: string | undefined;
  /** Whether everything below counts as this place. */
  readonly isDeep: boolean;
  readonly members: ReadonlyMap<string, Wanted>;
  /** The names of the members as readers that ignore case compare them. */
  readonly folded: ReadonlySet<string>;
}

/** Any element of an array, in a pointer that is looked for. */
const ANY = '*';
/** Everything at a place and below it, in a pointer that is looked for. */
const ALL = '**';

interface Growing {
  pointer: string | undefined;
  isDeep: boolean;
  readonly members: Map<string, Growing>;
  readonly folded: Set<string>;
}

/** Makes the tree of RFC 6901 pointers. A part that is `*` fits any element of an array. */
export function compileWanted(pointers: readonly string[]): Wanted {
  const root = emptyPlace();
  for (const pointer of pointers) {
    let place = root;
    for (const name of parsePointer(pointer) ?? []) {
      place.isDeep ||= name === ALL;
      if (place.isDeep) break;
      const next = place.members.get(name) ?? emptyPlace();
      place.members.set(name, next);
      place.folded.add(foldKey(name));
      place = next;
    }
    place.pointer = pointer;
  }
  return root;
}

function emptyPlace(): Growing {
  return { pointer: undefined, isDeep: false, members: new Map(), folded: new Set() };
}

/** The names in an RFC 6901 pointer; `undefined` for an invalid one. */
function parsePointer(pointer: string): readonly string[] | undefined {
  if (pointer === '') return [];
  if (!/^(?:\/(?:[^~/]|~[01])*)+$/.test(pointer)) return undefined;
  return pointer
    .slice(1)
    .split('/')
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
}

/** The place below a member's name. */
export function memberOf(place: Wanted | undefined, name: string): Wanted | undefined {
  return place?.members.get(name) ?? deep(place);
}

/** The place of an array's element. */
export function elementOf(place: Wanted | undefined, index: number): Wanted | undefined {
  return place?.members.get(String(index)) ?? place?.members.get(ANY) ?? deep(place);
}

function deep(place: Wanted | undefined): Wanted | undefined {
  return place?.isDeep === true ? place : undefined;
}

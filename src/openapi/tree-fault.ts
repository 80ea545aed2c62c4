import { isDeeper } from '../domain/json-depth.ts';

/** Deepest nesting of a description: those in use stay under sixty. */
const MAX_DEPTH = 200;

/** The size of a part of a tree, with every alias in it written out. */
interface Extent {
  readonly depth: number;
  readonly parts: number;
}

/** What is said of a tree that is deeper than {@link MAX_DEPTH}. */
const TOO_DEEP = 'it is nested too deeply';

/** Why a tree without aliases cannot be walked: `undefined` for one that can. */
export function depthFault(root: unknown): string | undefined {
  return isDeeper(root, MAX_DEPTH) ? TOO_DEEP : undefined;
}

/**
 * Why a tree with aliases cannot be walked: it is nested too deeply, it is circular, or its aliases stand for far more
 * than was written. `undefined` for one that can.
 *
 * @param mostParts most values in it, with every alias written out
 */
export function treeFault(root: unknown, mostParts: number): string | undefined {
  try {
    const { parts } = new TreeWalk().extentOf(root, 0);
    return parts > mostParts ? 'its aliases stand for too much' : undefined;
  } catch (fault) {
    if (fault instanceof TreeFault) return fault.message;
    throw fault;
  }
}

class TreeFault extends Error {}

class TreeWalk {
  /** What was seen once is not walked again; `undefined` while it is being walked. */
  readonly #known = new Map<object, Extent | undefined>();

  extentOf(value: unknown, above: number): Extent {
    if (typeof value !== 'object' || value === null) return { depth: 0, parts: 1 };
    const known = this.#known.get(value);
    if (known === undefined && this.#known.has(value)) throw new TreeFault('an alias in it stands for itself');
    if (above + (known?.depth ?? 1) > MAX_DEPTH) throw new TreeFault(TOO_DEEP);
    if (known !== undefined) return known;
    this.#known.set(value, undefined);
    const members = Object.values(value).map((member) => this.extentOf(member, above + 1));
    const extent = {
      depth: 1 + members.reduce((deepest, { depth }) => Math.max(deepest, depth), 0),
      parts: members.reduce((sum, { parts }) => sum + parts, 1),
    };
    this.#known.set(value, extent);
    return extent;
  }
}

import { foldKey } from '../domain/fold-key.ts';

/** Pointers (RFC 6901) that are asked for, as a tree of their tokens. */
export interface PointerTree {
  /** The pointer that ends here, if one does. */
  pointer: string | undefined;
  readonly children: Map<string, PointerTree>;
  /** Names of the children by their folded key, which is equal for keys that differ in case only. */
  readonly folded: Map<string, string>;
  /** Lengths of the keys of `folded`: for every reader, an ASCII key of another length matches no child. */
  readonly lengths: number[];
}

/** Nothing is asked for. */
export const NO_POINTERS: PointerTree = emptyTree();

/** Puts pointers into a tree. */
export function pointerTree(pointers: Iterable<string>): PointerTree {
  const root = emptyTree();
  for (const pointer of pointers) {
    let node = root;
    for (const token of tokensOf(pointer)) {
      let child = node.children.get(token);
      if (child === undefined) {
        child = emptyTree();
        node.children.set(token, child);
        const folded = foldKey(token);
        node.folded.set(folded, token);
        if (!node.lengths.includes(folded.length)) node.lengths.push(folded.length);
      }
      node = child;
    }
    node.pointer = pointer;
  }
  return root;
}

/** The tokens of a pointer, unescaped. */
function tokensOf(pointer: string): readonly string[] {
  if (pointer === '') return [];
  return pointer
    .slice(1)
    .split('/')
    .map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function emptyTree(): PointerTree {
  return { pointer: undefined, children: new Map(), folded: new Map(), lengths: [] };
}

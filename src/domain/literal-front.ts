import type { PathPattern } from './route.ts';

/** The literal segments that every path of a pattern begins with. */
export function literalFront({ segments }: PathPattern): readonly string[] {
  const front: string[] = [];
  for (const segment of segments) {
    if (segment.kind !== 'static') break;
    front.push(segment.text);
  }
  return front;
}

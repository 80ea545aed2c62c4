/** A fault in words, for people: `fetch failed` says nothing, its cause does. The text may come from outside. */
export function faultText(fault: unknown): string {
  const inner = fault instanceof Error && fault.cause instanceof Error ? fault.cause : fault;
  return inner instanceof Error ? inner.message : String(inner);
}

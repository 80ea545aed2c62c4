/** What went wrong, for people: `fetch failed` says nothing, its cause does. What it says may be somebody else's words. */
export function faultText(fault: unknown): string {
  const inner = fault instanceof Error && fault.cause instanceof Error ? fault.cause : fault;
  return inner instanceof Error ? inner.message : String(inner);
}

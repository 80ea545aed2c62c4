/** The text of a fault for people, taken from its cause: `fetch failed` says nothing. It may come from outside. */
export function faultText(fault: unknown): string {
  const inner = fault instanceof Error && fault.cause instanceof Error ? fault.cause : fault;
  return inner instanceof Error ? inner.message : String(inner);
}

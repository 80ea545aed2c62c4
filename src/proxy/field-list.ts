/**
 * Members of a comma-separated header value, trimmed and without empty ones (RFC 9110 §5.6.1). A comma inside a quoted
 * string does not separate. Linear in the length of the value.
 */
export function parseFieldList(value: string): string[] {
  const members: string[] = [];
  let start = 0;
  let quoted = false;
  for (let i = 0; i <= value.length; i++) {
    const char = value[i];
    if (quoted && char === '\\') i++;
    else if (char === '"') quoted = !quoted;
    else if (char === undefined || (char === ',' && !quoted)) {
      const member = value.slice(start, i).trim();
      if (member !== '') members.push(member);
      start = i + 1;
    }
  }
  return members;
}

/** `value` with those of `additions` that it does not name yet, whatever their case. */
export function mergeFieldList(value: string, additions: readonly string[]): string {
  const present = new Set(parseFieldList(value.toLowerCase()));
  const missing = additions.filter((name) => !present.has(name.toLowerCase()));
  const kept = value.trim();
  return kept === '' ? missing.join(', ') : [kept, ...missing].join(', ');
}

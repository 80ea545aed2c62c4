/** Frames the message: a `Connection` header that names it must not remove it. */
const FRAMING = 'content-length';

/**
 * Lower-case names that the `Connection` headers of a flat list nominate as hop-by-hop: these headers are not forwarded
 * (RFC 9110 §7.6.1), so that the API does not see them.
 */
export function nominatedBy(raw: readonly string[]): ReadonlySet<string> | undefined {
  let nominated: Set<string> | undefined;
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = raw[i] ?? '';
    if (name.length !== 10 || name.toLowerCase() !== 'connection') continue;
    for (const token of (raw[i + 1] ?? '').toLowerCase().split(',')) {
      const option = token.trim();
      if (option === '' || option === 'keep-alive' || option === 'close' || option === FRAMING) continue;
      nominated ??= new Set();
      nominated.add(option);
    }
  }
  return nominated;
}

import type { IncomingMessage } from 'node:http';

/**
 * The bytes of a request that asked for an upgrade, without its `Upgrade`, followed by `rest`: what came after its head.
 *
 * An upgrade that is not wanted is ignored (RFC 9110 §7.8), which Node cannot do: it drops what follows such a request
 * in the same packet. The second half of what was cut there would then be read as a request of its own. So the
 * connection is read again from this request on.
 */
export function withoutUpgrade({ method, url, httpVersion, rawHeaders }: IncomingMessage, rest: Buffer): Buffer {
  const lines = [`${method} ${url} HTTP/${httpVersion}`];
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] ?? '';
    if (name.toLowerCase() !== 'upgrade') lines.push(`${name}: ${rawHeaders[i + 1]}`);
  }
  return Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), rest]);
}

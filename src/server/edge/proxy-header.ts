import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

/** The client of a connection. */
export interface PeerAddress {
  readonly address: string;
  readonly port: number;
}

/** The first bytes of a connection, read as a header of the PROXY protocol. */
export type ProxyHeader =
  /** More bytes are needed. */
  | { readonly kind: 'incomplete' }
  | { readonly kind: 'malformed' }
  /** `source` is absent where the proxy connects for itself, such as for health checks: then the peer is the client. */
  | { readonly kind: 'whole'; readonly length: number; readonly source: PeerAddress | undefined };

const V2_SIGNATURE = Buffer.from([0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a]);
const V2_HEAD_BYTES = 16;
/** Longest version 2 header after its fixed part, in bytes: addresses, and extensions of balancers. */
const V2_MOST_BYTES = 4096;
/** Longest version 1 line, its end included (specification §2.1). */
const V1_MOST_BYTES = 107;
const V1_LINE = /^PROXY (?:UNKNOWN(?: [ -~]*)?|(TCP4|TCP6) (\S+) (\S+) (\d{1,5}) (\d{1,5}))\r\n$/;

const INCOMPLETE: ProxyHeader = { kind: 'incomplete' };
const MALFORMED: ProxyHeader = { kind: 'malformed' };

/**
 * Reads a header of the PROXY protocol, version 1 or 2.
 *
 * @see https://www.haproxy.org/download/2.9/doc/proxy-protocol.txt
 */
export function readProxyHeader(bytes: Buffer): ProxyHeader {
  const known = Math.min(bytes.length, V2_SIGNATURE.length);
  if (bytes.subarray(0, known).equals(V2_SIGNATURE.subarray(0, known)))
    return bytes.length < V2_HEAD_BYTES ? INCOMPLETE : readV2(bytes);
  return readV1(bytes);
}

function readV1(bytes: Buffer): ProxyHeader {
  const end = bytes.subarray(0, V1_MOST_BYTES).indexOf('\r\n');
  if (end === -1) {
    const begun = bytes.toString('latin1', 0, 6);
    return bytes.length < V1_MOST_BYTES && 'PROXY '.startsWith(begun) ? INCOMPLETE : MALFORMED;
  }
  const length = end + 2;
  const match = V1_LINE.exec(bytes.toString('latin1', 0, length));
  if (match === null) return MALFORMED;
  const [, family, source = '', destination = '', port = '', destinationPort = ''] = match;
  if (family === undefined) return { kind: 'whole', length, source: undefined };
  const version = family === 'TCP4' ? 4 : 6;
  if (isIP(source) !== version || isIP(destination) !== version) return MALFORMED;
  if (Number(port) > 65_535 || Number(destinationPort) > 65_535) return MALFORMED;
  return { kind: 'whole', length, source: { address: source, port: Number(port) } };
}

function readV2(bytes: Buffer): ProxyHeader {
  const versionAndCommand = bytes.readUInt8(12);
  const family = bytes.readUInt8(13);
  const rest = bytes.readUInt16BE(14);
  const command = versionAndCommand & 0x0f;
  if (versionAndCommand >> 4 !== 2 || command > 1 || rest > V2_MOST_BYTES) return MALFORMED;
  const length = V2_HEAD_BYTES + rest;
  if (bytes.length < length) return INCOMPLETE;
  // LOCAL, and families without an address to count by: the peer itself is the client.
  if (command === 0) return { kind: 'whole', length, source: undefined };
  switch (family) {
    case 0x11:
      return rest < 12 ? MALFORMED : wholeV2(bytes, length, 4, 24);
    case 0x21:
      return rest < 36 ? MALFORMED : wholeV2(bytes, length, 16, 48);
    default:
      return { kind: 'whole', length, source: undefined };
  }
}

function wholeV2(bytes: Buffer, length: number, addressBytes: number, portAt: number): ProxyHeader {
  const raw = bytes.subarray(V2_HEAD_BYTES, V2_HEAD_BYTES + addressBytes);
  const address = ipaddr.fromByteArray([...raw]).toString();
  return { kind: 'whole', length, source: { address, port: bytes.readUInt16BE(portAt) } };
}

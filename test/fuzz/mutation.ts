import type { Random } from '../crash/random.ts';

/** Bytes that parsers often read wrong. */
const TOKENS = [
  '\r\n',
  '\n',
  '\r',
  '\0',
  '\r\n\r\n',
  ' ',
  '\t',
  ':',
  ',',
  ';',
  '%2e',
  '%2f',
  '\\',
  '0\r\n\r\n',
  'Content-Length: 5\r\n',
  'Transfer-Encoding: chunked\r\n',
  'Transfer-Encoding: \x0bchunked\r\n',
  'Expect: 100-continue\r\n',
  'Connection: keep-alive\r\n',
  'Upgrade: websocket\r\nConnection: Upgrade\r\n',
  'Host: priced.test\r\n',
  'X402-Payer: f0rged\r\n',
  'GET /after/1 HTTP/1.1\r\nHost: gw.test\r\n\r\n',
  'CONNECT a:1 HTTP/1.1\r\n\r\n',
  'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
  '\xff\xfe',
  'HTTP/1.0',
  '99999999999999999999',
];

/** Damages bytes: flips bits, cuts, copies, splices, inserts tokens. `others` is what may be spliced in. */
export function mutated(bytes: Buffer, others: readonly Buffer[], random: Random): Buffer {
  let result = bytes;
  for (let left = random.between(1, 4); left > 0; left -= 1) result = mutatedOnce(result, others, random);
  return result.subarray(0, 200_000);
}

function mutatedOnce(bytes: Buffer, others: readonly Buffer[], random: Random): Buffer {
  const at = random.between(0, bytes.length);
  const end = Math.min(bytes.length, at + random.between(1, 40));
  const before = bytes.subarray(0, at);
  const after = bytes.subarray(at);
  switch (random.between(0, 8)) {
    case 0:
      return flipped(bytes, random);
    case 1:
      return before;
    case 2:
      return Buffer.concat([before, bytes.subarray(end)]);
    case 3:
      return Buffer.concat([bytes.subarray(0, end), bytes.subarray(at)]);
    case 4: {
      const other = others[random.between(0, others.length - 1)] ?? bytes;
      return Buffer.concat([before, other.subarray(random.between(0, other.length))]);
    }
    case 5:
      return Buffer.concat([
        bytes,
        ...(others.length === 0 ? [bytes] : [others[random.between(0, others.length - 1)] ?? bytes]),
      ]);
    case 6:
      return Buffer.concat([before, Buffer.from(random.hex(random.between(1, 20)).slice(2), 'hex'), after]);
    default:
      return Buffer.concat([before, Buffer.from(TOKENS[random.between(0, TOKENS.length - 1)] ?? '', 'latin1'), after]);
  }
}

function flipped(bytes: Buffer, random: Random): Buffer {
  const copy = Buffer.from(bytes);
  for (let left = random.between(1, 3); left > 0 && copy.length > 0; left -= 1) {
    const at = random.between(0, copy.length - 1);
    copy[at] = (copy[at] ?? 0) ^ (1 << random.between(0, 7));
  }
  return copy;
}

const ALPHABET = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz';
const DIGITS = new Map([...ALPHABET].map((digit, value) => [digit, BigInt(value)]));

/** Writes bytes in base58, as Bitcoin and Solana do: leading zero bytes become leading ones. */
export function toBase58(bytes: Uint8Array): string {
  let rest = bytes.length === 0 ? 0n : BigInt(`0x${Buffer.from(bytes).toString('hex')}`);
  let text = '';
  for (; rest > 0n; rest /= 58n) text = ALPHABET.charAt(Number(rest % 58n)) + text;
  const zeros = bytes.findIndex((byte) => byte !== 0);
  return '1'.repeat(zeros === -1 ? bytes.length : zeros) + text;
}

/**
 * Reads base58 into exactly `length` bytes. Only one text stands for the bytes: `undefined` for any other text.
 */
export function fromBase58(text: string, length: number): Buffer | undefined {
  // log(256) / log(58): a longer text cannot hold `length` bytes, and would take long to read.
  if (text === '' || text.length > Math.ceil(length * 1.366)) return undefined;
  let value = 0n;
  for (const char of text) {
    const digit = DIGITS.get(char);
    if (digit === undefined) return undefined;
    value = value * 58n + digit;
  }
  const hex = value.toString(16).padStart(2 * length, '0');
  if (hex.length > 2 * length) return undefined;
  const bytes = Buffer.from(hex, 'hex');
  return toBase58(bytes) === text ? bytes : undefined;
}

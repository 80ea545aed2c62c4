/** Base64url without padding, as every value of MPP is; the last characters may carry no bits beyond the bytes. */
const ALPHABET = /^[A-Za-z0-9_-]+$/;

/** Encodes a text. */
export function encodeBase64url(text: string): string {
  return Buffer.from(text, 'utf8').toString('base64url');
}

/** Decodes to bytes; `undefined` for what no encoder writes. */
export function decodeBase64url(text: string): Buffer | undefined {
  if (!ALPHABET.test(text)) return undefined;
  const bytes = Buffer.from(text, 'base64url');
  return bytes.toString('base64url') === text ? bytes : undefined;
}

import type { Parsed } from '../domain/price.ts';
import type { Decoder } from './decoder.ts';
import { text } from './text.ts';

const SIZE = /^([1-9]\d{0,11})(KB|MB)?$/;
const UNIT_BYTES: Readonly<Record<string, number>> = { KB: 1_024, MB: 1_048_576 };
const EXPECTS = 'a size such as 64KB, 1MB or a number of bytes';

/** Other ways to write a size. */
const OTHER_SIZE = /^([1-9]\d{0,11}) ?(?:(k|m|g)(?:i?b)?|b|bytes?)$/i;

/** A size of at least `minBytes` and at most `maxBytes`, in bytes. */
export function byteSize(maxBytes: number, minBytes = 1): Decoder<number> {
  const decoder = text({ expects: EXPECTS, bare: true, parse: (given) => parseByteSize(given, maxBytes, minBytes) });
  return {
    ...decoder,
    jsonSchema: {
      anyOf: [
        { type: 'integer', minimum: minBytes, maximum: maxBytes },
        { type: 'string', pattern: '^[1-9]\\d*(?:KB|MB)?$|\\$\\{' },
      ],
    },
  };
}

/** Reads `64KB`, `1MB` or plain bytes. `KB` is 1024 bytes here, as nginx and the kernel count. */
export function parseByteSize(given: string, maxBytes: number, minBytes = 1): Parsed<number> {
  const [, digits, unit] = SIZE.exec(given) ?? [];
  if (digits === undefined)
    return { ok: false, wrong: `${JSON.stringify(given)} is not a size`, right: ourForm(given) ?? EXPECTS };
  const bytes = Number(digits) * (unit === undefined ? 1 : (UNIT_BYTES[unit] ?? Number.NaN));
  if (bytes > maxBytes)
    return { ok: false, wrong: `the size ${given} is too large`, right: `at most ${spell(maxBytes)}` };
  if (bytes < minBytes)
    return { ok: false, wrong: `the size ${given} is too small`, right: `at least ${spell(minBytes)}` };
  return { ok: true, value: bytes };
}

/** A size that is written in another way, in the one that is read; `undefined` for what is none. */
function ourForm(given: string): string | undefined {
  const [, digits, unit] = OTHER_SIZE.exec(given) ?? [];
  if (digits === undefined) return undefined;
  switch (unit?.toLowerCase()) {
    case 'k':
      return `${digits}KB`;
    case 'm':
      return `${digits}MB`;
    case 'g':
      return `${Number(digits) * 1024}MB`;
    default:
      return digits;
  }
}

function spell(bytes: number): string {
  if (bytes % 1_048_576 === 0) return `${bytes / 1_048_576}MB`;
  return bytes % 1_024 === 0 ? `${bytes / 1_024}KB` : `${bytes} bytes`;
}

import type { Parsed } from '../domain/price.ts';
import type { Decoder } from './decoder.ts';
import { text } from './text.ts';

const SIZE = /^([1-9]\d{0,11})(KB|MB)?$/;
const UNIT_BYTES: Readonly<Record<string, number>> = { KB: 1_024, MB: 1_048_576 };
const EXPECTS = 'a size such as 64KB, 1MB or a number of bytes';

/** A size of at least one byte and at most `maxBytes`, in bytes. */
export function byteSize(maxBytes: number): Decoder<number> {
  const decoder = text({ expects: EXPECTS, bare: true, parse: (given) => parseByteSize(given, maxBytes) });
  return {
    ...decoder,
    jsonSchema: {
      anyOf: [
        { type: 'integer', minimum: 1, maximum: maxBytes },
        { type: 'string', pattern: '^[1-9]\\d*(?:KB|MB)?$|\\$\\{' },
      ],
    },
  };
}

/** Reads `64KB`, `1MB` or plain bytes. `KB` is 1024 bytes here, as nginx and the kernel count. */
export function parseByteSize(given: string, maxBytes: number): Parsed<number> {
  const [, digits, unit] = SIZE.exec(given) ?? [];
  if (digits === undefined) return { ok: false, wrong: `${JSON.stringify(given)} is not a size`, right: EXPECTS };
  const bytes = Number(digits) * (unit === undefined ? 1 : (UNIT_BYTES[unit] ?? Number.NaN));
  if (bytes > maxBytes)
    return { ok: false, wrong: `the size ${given} is too large`, right: `at most ${spell(maxBytes)}` };
  return { ok: true, value: bytes };
}

function spell(bytes: number): string {
  return bytes % 1_048_576 === 0 ? `${bytes / 1_048_576}MB` : `${bytes} bytes`;
}

import type { CustomerKeys } from '../domain/customer-keys.ts';
import type { Parsed } from '../domain/price.ts';
import { complete, type Decoder, map } from './decoder.ts';
import { text, word } from './text.ts';
import { period, requests } from './use-limit-keys.ts';

const LABEL = /^[!-~](?:[ -~]{0,98}[!-~])?$/;
const HASHES_RIGHT = `SHA-256 digests in hex, one a line, a label after it, such as \${file:/run/keys.txt}`;
/** The `sha256sum` of an empty file: a key that was forgotten. */
const OF_NOTHING = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

const hashes: Decoder<CustomerKeys['hashes']> = text({
  expects: HASHES_RIGHT,
  multiline: true,
  secret: 'parser',
  parse: parseHashes,
});

/** Reads digests line by line. A message names the line and never shows it: it may hold a key. */
function parseHashes(given: string): Parsed<CustomerKeys['hashes']> {
  const found = new Map<string, string | undefined>();
  const refuse = (at: number, wrong: string) =>
    ({ ok: false, wrong: `line ${at + 1} ${wrong}`, right: HASHES_RIGHT }) as const;
  for (const [at, line] of given.split(/\r?\n/).entries()) {
    const said = line.trim();
    if (said === '' || said.startsWith('#')) continue;
    const [, hex, label] = /^([0-9a-fA-F]{64})(?:\s+(\S.*))?$/.exec(said) ?? [];
    const hash = hex?.toLowerCase();
    if (hash === undefined) return refuse(at, 'is no SHA-256 in hex');
    if (hash === OF_NOTHING) return refuse(at, 'is the digest of an empty text');
    if (found.has(hash)) return refuse(at, 'is there twice');
    if (label !== undefined && !LABEL.test(label))
      return refuse(at, 'has a label that is no printable ASCII of up to 100');
    found.set(hash, label);
  }
  return { ok: true, value: found };
}

/** Headers that say something else, or that the gateway keeps to itself. */
const TAKEN =
  /^(?:host|cookie|connection|content-.*|transfer-encoding|te|trailer|upgrade|expect|forwarded|via|user-agent|accept.*|x-forwarded-.*|x402-.*|x-payment.*|payment.*|proxy-.*)$/;
const HEADER_RIGHT = 'a header of its own such as X-Api-Key';

const keyHeader: Decoder<string> = text({
  expects: HEADER_RIGHT,
  pattern: '[A-Za-z0-9-]{1,100}',
  parse: (given): Parsed<string> =>
    /^[A-Za-z0-9-]{1,100}$/.test(given) && !TAKEN.test(given.toLowerCase())
      ? { ok: true, value: given.toLowerCase() }
      : { ok: false, wrong: `${JSON.stringify(given.slice(0, 100))} cannot carry a key`, right: HEADER_RIGHT },
});

/** The keys of `keys`. */
export const customerKeys = map('a map such as {header: X-Api-Key, sha256: a file of digests}', {
  header: {
    decoder: keyHeader,
    required: true,
    description: 'The header that carries the key. In `Authorization`, `Bearer ` may stand before it.',
    examples: ['X-Api-Key'],
  },
  sha256: {
    decoder: hashes,
    required: true,
    description:
      'SHA-256 of each key in hex, one a line, then a label, which the API gets as `X402-Customer`. `turnpike keys new` makes one.',
    examples: [`\${file:/run/keys.txt}`],
  },
  requests: { decoder: requests, description: 'How many requests each key opens in each period. Default: all.' },
  per: { decoder: period, description: 'The period of `requests`.' },
  forward: { decoder: word(['on', 'off']), default: 'on', description: 'Whether the API sees the header.' },
});

/** Customers who need not pay. */
export const knownCustomers: Decoder<CustomerKeys> = complete(
  customerKeys,
  ({ header, sha256, requests: most, per, forward }, place, source): CustomerKeys | undefined => {
    if ((most === undefined) !== (per === undefined)) {
      source.report(place, 'requests and per go together', 'requests: 1000 and per: day, or neither');
      return undefined;
    }
    if (sha256.size === 0) source.warn(place, 'there is no key: nobody passes', 'a line for each customer');
    const limit = most === undefined || per === undefined ? undefined : { requests: most, perMs: per };
    return { header, hashes: sha256, limit, forward: forward === 'on' };
  },
);

import { type Decoder, mapped } from './decoder.ts';
import { record } from './forms.ts';
import type { Place, Source } from './source.ts';
import { text } from './text.ts';

/** Header pairs; names lower case. */
export type Headers = readonly (readonly [name: string, value: string])[];

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** Framing and connection are the gateway's business; a configured value would break or smuggle requests. */
const FRAMING = new Set([
  'connection',
  'content-length',
  'expect',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);
/** What `Host` may be. */
const AUTHORITY = /^(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::\d{1,5})?$/;
/** What the gateway itself tells the upstream, and what buyers send to the gateway. */
const OURS = /^(?:x402-|payment-|x-payment)/;

const headerValue: Decoder<string> = text({
  expects: 'a header value of printable ASCII',
  pattern: '[\\t -~]*',
  secret: true,
  parse: (given) =>
    /^[ -~]*$/.test(given) && given.trim() === given && given !== ''
      ? { ok: true, value: given }
      : { ok: false, wrong: 'the header value is not printable ASCII', right: 'a header value of printable ASCII' },
});

const rawHeaders = record(headerValue, 'a map of header names to values', "^[!#$%&'*+\\-.^_`|~0-9A-Za-z]+$");

/** Headers to set on requests, such as an API key. */
export const headers: Decoder<Headers> = headersBut(new Set([...FRAMING, 'host']));

/** Headers to set on what is forwarded, among them the host that the API is asked as. */
export const upstreamHeaders: Decoder<Headers> = headersBut(FRAMING);

function headersBut(taken: ReadonlySet<string>): Decoder<Headers> {
  return {
    ...mapped(rawHeaders, () => []),
    decode(at, source) {
      const entries = rawHeaders.decode(at, source);
      if (entries === undefined) return undefined;
      const result = new Map<string, string>();
      let sound = true;
      for (const { key, keyPlace, field } of entries) {
        const name = key.toLowerCase();
        sound = checkName(name, taken, keyPlace, source) && field.kind === 'value' && sound;
        if (result.has(name)) {
          source.report(keyPlace, `the header ${name} is given twice`, 'each header once, whatever its case');
          sound = false;
        }
        if (field.kind !== 'value') continue;
        if (name === 'host' && !AUTHORITY.test(field.value)) {
          source.report(keyPlace, 'the value of host is not a host name with or without a port', 'api.internal');
          sound = false;
        }
        result.set(name, field.value);
      }
      return sound ? [...result] : undefined;
    },
  };
}

function checkName(name: string, taken: ReadonlySet<string>, place: Place, source: Source): boolean {
  if (!TOKEN.test(name))
    source.report(place, `${JSON.stringify(name)} is not a header name`, 'a name such as x-api-key');
  else if (taken.has(name) || OURS.test(name))
    source.report(place, `the gateway sets ${name} itself`, 'another header');
  else return true;
  return false;
}

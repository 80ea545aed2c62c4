import type { TracingSpec } from '../domain/plan.ts';
import type { Parsed } from '../domain/price.ts';
import { complete, type Decoder, map } from './decoder.ts';
import { headers } from './header-keys.ts';
import { text } from './text.ts';
import { parseHttpUrl, URL_PATTERN } from './url.ts';

const ENDPOINT_RIGHT = 'the base URL of an OTLP receiver over HTTP, such as http://otel-collector:4318';
const SHARE_RIGHT = 'a share such as 10%, from 0% to 100%';
const SHARE = /^(?:100|\d{1,2}(?:\.\d{1,3})?)%$/;
/** Where OTLP/HTTP takes traces, below the base URL. */
const TRACES_PATH = '/v1/traces';

/** The URL that traces are posted to. */
const endpoint: Decoder<string> = text({
  expects: ENDPOINT_RIGHT,
  pattern: URL_PATTERN,
  parse: (given): Parsed<string> => {
    const parsed = parseHttpUrl(given, { path: true, right: ENDPOINT_RIGHT });
    if (!parsed.ok) return parsed;
    const base = parsed.value.href.replace(/\/$/, '');
    if (!base.endsWith(TRACES_PATH)) return { ok: true, value: base + TRACES_PATH };
    return { ok: false, wrong: `${TRACES_PATH} is put after the URL`, right: base.slice(0, -TRACES_PATH.length) };
  },
});

/** A percentage, as a number from 0 to 1. */
export const share: Decoder<number> = text({
  expects: SHARE_RIGHT,
  bare: true,
  pattern: '(?:100|\\d{1,2}(?:\\.\\d{1,3})?)%',
  parse: (given): Parsed<number> =>
    SHARE.test(given)
      ? { ok: true, value: Number(given.slice(0, -1)) / 100 }
      : { ok: false, wrong: `${JSON.stringify(given)} is not a share`, right: SHARE_RIGHT },
});

const serviceName: Decoder<string> = text({
  expects: 'a name of printable ASCII, at most 255 characters',
  schema: { minLength: 1, maxLength: 255 },
  parse: (given): Parsed<string> =>
    /^[!-~](?:[ -~]{0,253}[!-~])?$/.test(given)
      ? { ok: true, value: given }
      : { ok: false, wrong: 'the name is not printable ASCII, or too long', right: 'a name such as turnpike' },
});

/** The keys of `tracing`. */
export const tracingKeys = map('a map with endpoint', {
  endpoint: {
    decoder: endpoint,
    required: true,
    description: 'Base URL of what takes OTLP over HTTP; `/v1/traces` is put after it.',
    examples: ['http://otel-collector:4318', `\${OTEL_EXPORTER_OTLP_ENDPOINT}`],
  },
  headers: {
    decoder: headers,
    description: 'Sent with every export, such as an API key.',
    examples: [{ authorization: `\${OTLP_AUTHORIZATION}` }],
  },
  sample: {
    decoder: share,
    default: '100%',
    description:
      "Share of requests that are traced. A trace of one of `trustedProxies` decides for itself; a client's does not.",
  },
  serviceName: { decoder: serviceName, default: 'turnpike', description: '`service.name` of the spans.' },
});

/** Where traces go to. */
export const tracing: Decoder<TracingSpec> = complete(tracingKeys, (keys): TracingSpec => {
  const { endpoint: url, headers: set = [], sample, serviceName: name } = keys;
  return { url, headers: set, sample, serviceName: name };
});

import type { ApiDocument, DiscoveryTerms } from '../domain/discovery.ts';
import type { Parsed } from '../domain/price.ts';
import { parseApiDocument } from '../openapi/document.ts';
import { complete, type Decoder, map } from './decoder.ts';
import { byKind, list, valuesOf } from './forms.ts';
import type { Place, Source } from './source.ts';
import { flag, text, word } from './text.ts';
import { whyUnreadable } from './unreadable.ts';

const EXPECTS = 'a map such as {title: Weather, openapi: ./openapi.yaml}, or off';
const TAG_RIGHT = 'a word of up to 32 printable ASCII characters';

function line(max: number): Decoder<string> {
  const expects = `a text of up to ${max} characters`;
  return text({
    expects,
    schema: { minLength: 1, maxLength: max },
    parse: (given): Parsed<string> =>
      given.trim() !== '' && given.length <= max
        ? { ok: true, value: given }
        : {
            ok: false,
            wrong: given.trim() === '' ? 'this is empty' : `this has ${given.length} characters`,
            right: expects,
          },
  });
}

const tag = text({
  expects: TAG_RIGHT,
  pattern: '[!-~](?:[ -~]{0,30}[!-~])?',
  parse: (given): Parsed<string> =>
    /^[!-~](?:[ -~]{0,30}[!-~])?$/.test(given)
      ? { ok: true, value: given }
      : { ok: false, wrong: `${JSON.stringify(given)} is not a tag`, right: TAG_RIGHT },
});

const NAME_RIGHT = 'a name of up to 32 printable ASCII characters';

const serviceName = text({
  expects: NAME_RIGHT,
  pattern: '[ -~]{1,32}',
  parse: (given): Parsed<string> =>
    /^[ -~]{1,32}$/.test(given) && given.trim() === given
      ? { ok: true, value: given }
      : {
          ok: false,
          wrong: `${JSON.stringify(given.slice(0, 64))} is not a name that catalogues take`,
          right: NAME_RIGHT,
        },
});

const ICON_RIGHT = 'a URL such as https://example.com/icon.png, of a public host that has a name';
const MAX_ICON = 2048;

const icon = text({
  expects: ICON_RIGHT,
  pattern: 'https?://\\S+',
  parse: (given): Parsed<string> => {
    const url = URL.canParse(given) ? new URL(given) : undefined;
    const wrong =
      url === undefined || given.length > MAX_ICON ? 'this is not a URL that catalogues take' : iconFault(url);
    return wrong === undefined ? { ok: true, value: given } : { ok: false, wrong, right: ICON_RIGHT };
  },
});

/** What catalogues have against an icon: x402 `extensions/bazaar.md`, "Service metadata". */
function iconFault({ protocol, hostname, username, password }: URL): string | undefined {
  if (protocol !== 'http:' && protocol !== 'https:') return `its scheme is ${protocol.slice(0, -1)}`;
  if (username !== '' || password !== '') return 'it holds a login';
  const isAddress = hostname.startsWith('[') || /^[\d.]+$/.test(hostname);
  return isAddress || /^localhost(\.|$)/.test(hostname) ? `${hostname} is no public host` : undefined;
}

/** The keys of `discovery`. */
export const discoveryKeys = map(EXPECTS, {
  title: { decoder: line(100), description: "Name of the service. Default: the API description's." },
  description: { decoder: line(1000), description: "What the service is for. Default: the API description's." },
  tags: {
    decoder: list(tag, 'a list such as [weather, forecast]'),
    description: 'Words that catalogues file it under.',
  },
  serviceName: {
    decoder: serviceName,
    description: 'What catalogues call the service. Default: `title`, where it is short enough.',
  },
  icon: { decoder: icon, description: 'A picture of the service, for catalogues.' },
  bazaar: {
    decoder: flag,
    description: 'Whether a 402 says how its route is called, by which facilitators list it. Default: `true`.',
  },
  mcp: {
    decoder: flag,
    description:
      'Whether the gateway serves its priced routes as tools of an MCP server, at `/mcp`: every call is paid as the request that it stands for. No route may have that path. Default: `false`. See [mcp.md](mcp.md#paid-apis-as-tools).',
  },
  openapi: {
    decoder: line(1000),
    description:
      "The API's own description, OpenAPI 3 or Swagger 2: a path, relative to this file, and watched with it.",
    examples: ['./openapi.yaml'],
  },
});

/** The default: the price table is published. */
export const DEFAULT_DISCOVERY: DiscoveryTerms = {
  title: undefined,
  description: undefined,
  tags: [],
  serviceName: undefined,
  iconUrl: undefined,
  bazaar: true,
  mcp: false,
  document: undefined,
};

/** The discovery documents; `'off'` for none. */
export const discovery: Decoder<DiscoveryTerms | 'off'> = byKind<DiscoveryTerms | 'off'>(EXPECTS, {
  scalar: word(['off']),
  map: complete(discoveryKeys, (keys, place, source) => {
    const {
      title,
      description,
      tags = [],
      serviceName: named,
      icon: iconUrl,
      bazaar = true,
      mcp = false,
      openapi,
    } = keys;
    const terms = {
      title,
      description,
      tags: valuesOf(tags),
      serviceName: named ?? (title !== undefined && /^[ -~]{1,32}$/.test(title) ? title : undefined),
      iconUrl,
      bazaar,
      mcp,
    };
    if (openapi === undefined) return { ...terms, document: undefined };
    const document = readDocument(openapi, place, source);
    return document === undefined ? undefined : { ...terms, document };
  }),
});

function readDocument(path: string, place: Place, source: Source): ApiDocument | undefined {
  let content: string;
  try {
    content = source.readBeside(path);
  } catch (fault) {
    source.report(place, `${path} cannot be read: ${whyUnreadable(fault)}`, 'a file that exists and may be read');
    return undefined;
  }
  const parsed = parseApiDocument(content);
  if (parsed.ok) return parsed.value;
  source.report(place, `${path} is not an API description: ${parsed.wrong}`, parsed.right);
  return undefined;
}

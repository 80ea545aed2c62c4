import type { ApiDocument, DiscoveryTerms } from '../domain/discovery.ts';
import type { Parsed } from '../domain/price.ts';
import { parseApiDocument } from '../openapi/document.ts';
import { complete, type Decoder, map } from './decoder.ts';
import { byKind, list } from './forms.ts';
import type { Place, Source } from './source.ts';
import { text, word } from './text.ts';
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

/** The keys of `discovery`. */
export const discoveryKeys = map(EXPECTS, {
  title: { decoder: line(100), description: "Name of the service. Default: that of the API's description." },
  description: { decoder: line(1000), description: "What the service is for. Default: that of the API's description." },
  tags: {
    decoder: list(tag, 'a list such as [weather, forecast]'),
    description: 'Words that catalogues file it under.',
  },
  openapi: {
    decoder: line(1000),
    description:
      "The API's own description, OpenAPI 3 or Swagger 2: a path, relative to this file. What no route sells is left out of what is published, and so are servers, logins and vendor extensions. It is watched with this file.",
    examples: ['./openapi.yaml'],
  },
});

/** Where the file says nothing: what the price table says is told. */
export const DEFAULT_DISCOVERY: DiscoveryTerms = {
  title: undefined,
  description: undefined,
  tags: [],
  document: undefined,
};

/** What agents are told of the service; `'off'` for nothing. */
export const discovery: Decoder<DiscoveryTerms | 'off'> = byKind<DiscoveryTerms | 'off'>(EXPECTS, {
  scalar: word(['off']),
  map: complete(discoveryKeys, ({ title, description, tags = [], openapi }, place, source) => {
    const terms = { title, description, tags: tags.flatMap((each) => (each.kind === 'value' ? [each.value] : [])) };
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

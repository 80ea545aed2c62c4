import type { McpBinding } from '../domain/mcp-terms.ts';
import { type Price, parsePrice } from '../domain/price.ts';
import { type Decoder, type Fields, map } from './decoder.ts';
import { byKind, record } from './forms.ts';
import { fixedPrice } from './payment-keys.ts';
import { flag, text, word } from './text.ts';

const NAMES = 'a map of names and prices such as {search: $0.01, "image_*": $0.05}';
/** Names of tools, and URIs of resources, with `*` for any characters. */
const NAME = '^.{1,200}$';

const prices = record(fixedPrice, NAMES, NAME);

const OTHERWISE = 'refuse, free or a price';

/** What nothing in the maps fits. */
const otherwise: Decoder<Price | 'refuse'> = byKind<Price | 'refuse'>(OTHERWISE, {
  scalar: text<Price | 'refuse'>({
    expects: OTHERWISE,
    bare: true,
    parse: (given) => (given === 'refuse' ? { ok: true, value: given } : parsePrice(given)),
  }),
  map: fixedPrice,
});

/** The keys of `mcp`. */
export const mcpKeys = map('a map such as {tools: {search: $0.01}, otherwise: free}', {
  tools: {
    decoder: prices,
    description:
      'What a call of a tool costs, by its name. `*` stands for any characters; the longest name that fits decides.',
  },
  resources: { decoder: prices, description: 'The same for reading a resource, by its URI.' },
  prompts: { decoder: prices, description: 'The same for getting a prompt, by its name.' },
  otherwise: {
    decoder: otherwise,
    description:
      'What a tool, resource or prompt costs that nothing fits: `free`, a price, or `refuse`. Default: `refuse`.',
  },
  binding: {
    decoder: word<McpBinding>(['result', 'error', 'http']),
    description:
      'How a price is told: as a failed `result`, as a JSON-RPC `error`, or as an HTTP 402 (`http`). Default: `result`. Who sends a payment header always gets HTTP.',
  },
  describe: {
    decoder: flag,
    description: 'Whether descriptions of tools say what they cost, so that a model sees it. Default: `false`.',
  },
});

/** The keys of `mcp` as they were found. */
export type McpFields = Fields<(typeof mcpKeys)['keys']>;

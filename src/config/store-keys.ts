import type { Parsed } from '../domain/price.ts';
import type { StoreForm, StoreSpec } from '../domain/store-spec.ts';
import type { Decoder } from './decoder.ts';
import { text } from './text.ts';

/** Where payments are remembered, in one of the kinds that there are. No message shows the text: a database URL holds a password. */
export function storeDecoder(kinds: readonly StoreForm[]): Decoder<StoreSpec> {
  return text({
    expects: examplesOf(kinds),
    pattern: kinds.map(({ pattern }) => pattern).join('|'),
    secret: 'parser',
    parse: (given) => parseStore(given, kinds),
  });
}

/** Reads a store; see {@link storeDecoder}. What is wrong is said without the text. */
export function parseStore(given: string, kinds: readonly StoreForm[]): Parsed<StoreSpec> {
  const kind = kinds.find((form) => form.isMeant(given));
  if (kind === undefined) return { ok: false, wrong: 'this is no store', right: examplesOf(kinds) };
  const parsed = kind.parse(given);
  if (!parsed.ok) return parsed;
  return { ok: true, value: { kind: kind.name, location: parsed.value, lasting: kind.lasting } };
}

function examplesOf(kinds: readonly StoreForm[]): string {
  return kinds
    .map(({ example }) => example)
    .join(', ')
    .replace(/, ([^,]*)$/, ' or $1');
}

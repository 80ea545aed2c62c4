import type { Parsed } from '../domain/price.ts';
import {
  isCredentialField,
  type MppTerms,
  PROTOCOL_SETTINGS,
  type ProtocolSetting,
  type ProtocolTerms,
} from '../domain/protocol-setting.ts';
import { secretKeys, secretsOf } from './access-keys.ts';
import { complete, type Decoder, type Field, map, soundValue } from './decoder.ts';
import { list, valuesOf } from './forms.ts';
import type { Source } from './source.ts';
import { text, word } from './text.ts';

const HEADER_RIGHT = 'a field that ends in Authorization, such as Payment-Authorization';

/** How routes are paid where the file does not say. */
const DEFAULT_PROTOCOLS: readonly ProtocolSetting[] = ['x402'];

/** How MPP is spoken where the file does not say. */
const DEFAULT_MPP: MppTerms = { header: 'Authorization', keys: [] };

/** Payment protocols; used by the file and by each route. */
export const protocols = list(word(PROTOCOL_SETTINGS), 'a list such as [x402, mpp]', 1);

const header = text({
  expects: HEADER_RIGHT,
  schema: { maxLength: 64 },
  parse: (given): Parsed<string> =>
    given.length <= 64 && isCredentialField(given)
      ? { ok: true, value: given }
      : { ok: false, wrong: `${JSON.stringify(given.slice(0, 64))} is no field for credentials`, right: HEADER_RIGHT },
});

/** The keys of `mpp`. */
const mppKeys = map('a map with header or keys', {
  header: {
    decoder: header,
    default: DEFAULT_MPP.header,
    description:
      'The field of the credential, where the API needs `Authorization` itself: `mppx` suggests `Payment-Authorization`.',
  },
  keys: {
    decoder: secretKeys,
    description:
      'What challenges are signed with: the first signs, all are known. To rotate, put a new one in front, and take the old one away after five minutes. Default: one that the store makes.',
    examples: [[`\${file:/run/secrets/mpp-key}`]],
  },
});

/** How MPP is spoken. */
export const mpp: Decoder<MppTerms> = complete(mppKeys, ({ header: field, keys = [] }, _place, source) => {
  const secrets = secretsOf(keys, source);
  return secrets && { header: field, keys: secrets };
});

/** How protocols are spoken, where the file is sound; the defaults elsewhere. */
export function protocolTerms(fields: { readonly mpp: Field<MppTerms> }): ProtocolTerms {
  return { mpp: soundValue(fields.mpp) ?? DEFAULT_MPP };
}

/** The protocols that a list names, where it is sound; the default where there is none. Reports nothing. */
export function namedProtocols(given: Field<readonly Field<ProtocolSetting>[]>): readonly ProtocolSetting[] {
  const named = soundValue(given);
  if (named === undefined) return DEFAULT_PROTOCOLS;
  return valuesOf(named);
}

/** The protocols of a list in the order of preference, each once; the default where there is none. */
export function protocolList(
  given: Field<readonly Field<ProtocolSetting>[]>,
  source: Source,
): readonly ProtocolSetting[] {
  const named = soundValue(given);
  if (named === undefined) return DEFAULT_PROTOCOLS;
  const seen = new Set<ProtocolSetting>();
  for (const item of named) {
    if (item.kind !== 'value') continue;
    if (seen.has(item.value)) source.report(item.place, `${item.value} is listed twice`, 'each protocol once');
    seen.add(item.value);
  }
  return PROTOCOL_SETTINGS.filter((setting) => seen.has(setting));
}

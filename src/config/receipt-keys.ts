import { isLoopback } from '../domain/loopback.ts';
import type { ReceiptTerms } from '../domain/receipt-terms.ts';
import { secretKeys, secretsOf } from './access-keys.ts';
import { complete, type Decoder, type Field, map, soundValue } from './decoder.ts';
import { byKind } from './forms.ts';
import type { Source } from './source.ts';
import { word } from './text.ts';

const EXPECTS = 'a map such as {format: jws}, or off';

/** The keys of `receipts`. */
export const receiptKeys = map(EXPECTS, {
  format: {
    decoder: word(['jws', 'eip712']),
    required: true,
    description:
      'How it is signed: `jws`, by Ed25519, or `eip712`, by an account that holds nothing. `/.well-known/did.json` publishes the keys.',
  },
  keys: {
    decoder: secretKeys,
    description:
      'Secrets that keys are made from, newest first: the first signs, those of all are published. Default: the store makes one.',
    examples: [[`\${file:/run/secrets/receipt-key}`]],
  },
});

/** How offers and receipts are signed; `'off'` where they are not. */
export const receipts: Decoder<ReceiptTerms | 'off'> = byKind<ReceiptTerms | 'off'>(EXPECTS, {
  scalar: word(['off']),
  map: complete(receiptKeys, ({ format, keys = [] }, _place, source): ReceiptTerms | undefined => {
    const secrets = secretsOf(keys, source);
    return secrets && { format, keys: secrets };
  }),
});

/** Compiles how offers and receipts are signed: the key is that of a host, which the file has to name. */
export function compileReceipts(
  given: Field<ReceiptTerms | 'off'>,
  publicUrl: Field<string>,
  source: Source,
): ReceiptTerms | undefined {
  const terms = soundValue(given);
  if (terms === undefined || terms === 'off') return undefined;
  if (publicUrl.kind === 'absent') {
    source.report(
      given.place,
      'the key that signs would belong to no host: there is no publicUrl',
      'publicUrl, or off',
    );
  }
  const url = soundValue(publicUrl);
  if (url?.startsWith('http:') === true && !isLoopback(new URL(url).hostname)) {
    const wrong = 'nobody finds the key that signs: did:web is looked up by https';
    source.warn(publicUrl.place, wrong, 'an https URL');
  }
  return terms;
}

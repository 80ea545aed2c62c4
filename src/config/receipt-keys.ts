import type { ReceiptTerms } from '../domain/receipt-terms.ts';
import { complete, type Decoder, type Field, map, soundValue } from './decoder.ts';
import { byKind } from './forms.ts';
import type { Source } from './source.ts';
import { word } from './text.ts';
import { isLoopback } from './url.ts';

const EXPECTS = 'a map such as {format: jws}, or off';

/** The keys of `receipts`. */
export const receiptKeys = map(EXPECTS, {
  format: {
    decoder: word(['jws']),
    required: true,
    description: 'How it is signed: by Ed25519. The store makes the key; `/.well-known/did.json` publishes it.',
  },
});

/** How offers and receipts are signed; `'off'` where they are not. */
export const receipts: Decoder<ReceiptTerms | 'off'> = byKind<ReceiptTerms | 'off'>(EXPECTS, {
  scalar: word(['off']),
  map: complete(receiptKeys, ({ format }): ReceiptTerms => ({ format })),
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

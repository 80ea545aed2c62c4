import { expect, it } from 'vitest';
import { paymentFieldsOf } from '../../../../src/proxy/headers/payment-fields.ts';
import { allowPaymentHeaders, hidePaymentHeaders } from '../../../../src/proxy/headers/preflight.ts';
import { relayHints, relayTrailers } from '../../../../src/proxy/headers/to-client.ts';

const withoutToll = (value: string): string => (value.startsWith('Toll ') ? '' : value);
const FIELDS = paymentFieldsOf([
  {
    headers: {
      request: ['Toll-Payment', 'Authorization'],
      response: ['Toll-Receipt', 'WWW-Authenticate'],
      shared: { authorization: withoutToll, 'www-authenticate': withoutToll },
    },
  },
]);

it('removes the fields of a protocol from hints and trailers, and keeps values of the API in a shared field', () => {
  const raw = ['Toll-Receipt', 'x', 'toll.receipt', 'x', 'WWW-Authenticate', 'Toll x', 'WWW_Authenticate', 'Toll x'];
  const kept = ['WWW-Authenticate', 'Basic', 'X-Sum', '1'];
  expect(relayHints([...raw, ...kept], FIELDS)).toEqual(kept);
  expect(relayTrailers([...raw, ...kept], FIELDS)).toEqual([
    ['WWW-Authenticate', 'Basic'],
    ['X-Sum', '1'],
  ]);
});

it('hides payment headers in a preflight from the API, except a field that the API uses too', () => {
  const asked = hidePaymentHeaders(['Access-Control-Request-Headers', 'authorization, toll-payment, x-a'], FIELDS);
  expect(asked).toEqual(['Access-Control-Request-Headers', 'authorization, x-a']);
  const answer = ['Access-Control-Allow-Origin', '*'];
  allowPaymentHeaders(answer, FIELDS);
  expect(answer[3]?.split(', ')).toEqual(expect.arrayContaining(['Toll-Payment', 'Authorization']));
});

it('removes a field with every value when one protocol shares it and another owns it', () => {
  const { read } = paymentFieldsOf([
    { headers: { request: ['Pay'], response: [], shared: { pay: withoutToll } } },
    { headers: { request: ['Pay'], response: [] } },
  ]);
  expect(read('PAY')).toMatchObject({ forwarded: 'never', isRelayed: false });
});

it('removes from a value the part of every protocol that shares the field', () => {
  const withoutOther = (value: string): string => value.replace(/^Other 1,? ?/, '');
  const { read } = paymentFieldsOf(
    [withoutToll, withoutOther].map((rule) => ({
      headers: { request: ['Authorization'], response: [], shared: { authorization: rule } },
    })),
  );
  const { foreign } = read('authorization');
  const values = ['Toll 1', 'Other 1', 'Other 1, Bearer 1', 'Bearer 1'];
  expect(values.map((value) => foreign?.(value))).toEqual(['', '', 'Bearer 1', 'Bearer 1']);
});

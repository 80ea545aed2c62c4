import { isJsonObject } from '../../src/domain/payment.ts';
import { transactionOf } from '../../src/domain/receipt.ts';
import type { Json } from '../../src/domain/x402.ts';
import type { Protocol, Submitted } from '../../src/protocol/protocol.ts';

/*
 * A made-up payment protocol in one file, written against the interface alone. A price is a `WWW-Authenticate` challenge
 * with a word that differs in each 402; a payment comes in `Toll-Payment` as plain JSON, or in `Authorization` behind the
 * scheme `Toll`, and names the number of the offer that it pays; the receipt is a line of text.
 */

/** @param fresh gives a word that was not given before */
export function tollProtocol(fresh: () => string): Protocol {
  return {
    name: 'toll',
    headers: {
      request: ['Toll-Payment', 'Authorization'],
      response: ['WWW-Authenticate', 'Toll-Receipt'],
      shared: {
        authorization: (value) => (isOfScheme(value) ? '' : value),
        'www-authenticate': (value) => (value.split(',').some(isOfScheme) ? '' : value),
      },
    },
    credential({ headers }) {
      const { authorization } = headers;
      const isToll = typeof authorization === 'string' && isOfScheme(authorization);
      const value = headers['toll-payment'] ?? (isToll ? authorization.trim().slice('toll '.length) : undefined);
      if (value === undefined) return { kind: 'none' };
      // JSON holds commas, so that two payments are told by being no JSON.
      return typeof value === 'string' ? { kind: 'one', text: value } : { kind: 'repeated' };
    },
    read(credential) {
      try {
        return readToll(JSON.parse(credential));
      } catch {
        return { kind: 'malformed', detail: 'it is not JSON' };
      }
    },
    challenge({ offers }) {
      const amounts = offers.map(({ amount, asset }) => `${amount} ${asset.symbol}`).join(' or ');
      return {
        repeats: false,
        state: (_resourceUrl, { code, reason }) => ({
          headers: ['WWW-Authenticate', `Toll word="${fresh()}", pay="${amounts}"`],
          body: { contentType: 'text/x-toll', text: `${code}: ${reason}` },
        }),
      };
    },
    receipt: (receipt) => [['Toll-Receipt', `${receipt.kind} ${transactionOf(receipt) ?? '-'} of ${receipt.payer}`]],
  };
}

function isOfScheme(value: string): boolean {
  return /^\s*toll /i.test(value);
}

function readToll(value: Json): Submitted {
  if (!isJsonObject(value)) return { kind: 'malformed', detail: 'it is not an object' };
  const { offer: number, signed } = value;
  if (typeof number !== 'number' || !isJsonObject(signed)) return { kind: 'malformed', detail: 'a member is missing' };
  return {
    kind: 'submitted',
    submission: {
      payload: signed,
      identifier: { kind: 'none' },
      namesItsOffer: true,
      match(offers) {
        const meant = offers[number];
        return meant === undefined
          ? { kind: 'refused', reason: 'invalid_payment_requirements' }
          : { kind: 'matched', offers: [meant] };
      },
      paying: ({ requirements }) => ({
        version: 2,
        payload: { x402Version: 2, accepted: requirements, payload: signed },
      }),
    },
  };
}

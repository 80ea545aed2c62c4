import { challengeOf } from '../buyer.ts';
import type { Payer } from '../devnet.ts';
import { encodePayment, handSigned, highS, type PaymentParts, type Requirement, toHeader } from '../payment-header.ts';
import { longAgo, otherEnd, sendToChain, startEvmWorld } from './evm-world.ts';
import type { Field, PaymentKind } from './payment-kind.ts';

/** x402 version 2 with an authorization of EIP-3009. */
export const x402OnEvm: PaymentKind = {
  name: 'x402 on EVM',
  onCredit: true,
  forOneRoute: false,
  start: () =>
    startEvmWorld({
      async sign(devnet, payer, url, method) {
        const payment = await signFor(payer, url, method);
        const { authorization, signature } = payment;
        const v1 = { x402Version: 1, scheme: 'exact', network: 'base-sepolia', payload: { signature, authorization } };
        return {
          field: fieldOf(encodePayment(payment)),
          spellings: spellings(payment).map(fieldOf),
          tampered: tampered(payment),
          inAnotherProtocol: ['X-PAYMENT', toHeader(v1)],
          frontRun: () => sendToChain(devnet, payment),
        };
      },
      signExpired: async (payer, url) =>
        fieldOf(encodePayment(await signFor(payer, url, 'GET', { validBefore: longAgo() }))),
    }),
};

async function signFor(
  { key }: Payer,
  url: string,
  method: string,
  authorization: Record<string, string> = {},
): Promise<PaymentParts> {
  const [accepted] = challengeOf(await fetch(url, { method })).accepts;
  const validBefore = String(Math.floor(Date.now() / 1000) + 250);
  return await handSigned(key, accepted as unknown as Requirement, {
    authorization: { validBefore, ...authorization },
  });
}

function fieldOf(header: string): Field {
  return ['PAYMENT-SIGNATURE', header];
}

/** The same authorization in spellings that decode to it. */
function spellings(payment: PaymentParts): string[] {
  const { authorization, signature, ...rest } = payment;
  const upper = (text: string): string => `0x${text.slice(2).toUpperCase()}`;
  const respelt = {
    nonce: upper(authorization['nonce'] ?? ''),
    from: (authorization['from'] ?? '').toLowerCase(),
    ...without(authorization),
  };
  return [
    encodePayment(payment),
    encodePayment(payment).replace(/=+$/, ''),
    toHeader({ payload: { authorization: respelt, signature: upper(signature) }, ...rest }),
    toHeader({ ...rest, payload: { signature, authorization: { ...authorization, extra: 'field' }, more: 1 } }),
    toHeader({ ...rest, payload: { signature, authorization }, extensions: { any: { info: {} } }, nonsense: true }),
    Buffer.from(JSON.stringify({ ...rest, payload: { signature, authorization } }, null, 2)).toString('base64'),
    toHeader({
      ...rest,
      accepted: { ...rest.accepted, asset: String(rest.accepted['asset']).toLowerCase() },
      payload: { signature, authorization },
    }),
  ];
}

function without({ nonce: _nonce, from: _from, ...others }: Record<string, string>): Record<string, string> {
  return others;
}

function tampered(payment: PaymentParts): (readonly [string, Field])[] {
  const { authorization, signature, accepted } = payment;
  const changed = (name: string, value: string): PaymentParts => ({
    ...payment,
    authorization: { ...authorization, [name]: value },
  });
  const cases: readonly (readonly [string, PaymentParts])[] = [
    ['the payee', changed('to', `0x${'11'.repeat(20)}`)],
    ['the payer', changed('from', `0x${'11'.repeat(20)}`)],
    ['the amount', changed('value', '999')],
    ['the end', changed('validBefore', String(Number(authorization['validBefore']) + 1))],
    ['the nonce', changed('nonce', otherEnd(authorization['nonce'] ?? ''))],
    ['the signature', { ...payment, signature: `0x${'11'.repeat(64)}1b` }],
    ['the price that it says it accepted', { ...payment, accepted: { ...accepted, amount: '1' } }],
    ['the other signature of the same key', { ...payment, signature: highS(signature) }],
  ];
  return cases.map(([part, parts]) => [part, fieldOf(encodePayment(parts))]);
}

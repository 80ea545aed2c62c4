import { Challenge } from 'mppx';
import { describe, expect, it } from 'vitest';
import { payableChallenges } from '../../../../../src/cli/pay/mpp/challenge.ts';
import { signCredential } from '../../../../../src/cli/pay/mpp/credential.ts';
import { readAssetTable } from '../../../../../src/config/asset-table.ts';
import { buyer } from '../../../../support/exact-evm-payments.ts';
import { partsOf, signChallenge } from '../../../../support/mpp.ts';

const TABLE = readAssetTable();
const NOW = Date.parse('2036-11-28T12:00:00Z');
const USDC = '0x036CbD53842c5426634e7929541eC2318f3dCF7e';
const PAYEE = '0x209693Bc6afc0C5328bA36FaF03C514EF312287C';
const DETAILS = { chainId: 84532, credentialTypes: ['authorization'], decimals: 6 };
const CHARGE = { amount: '1000', currency: USDC, methodDetails: DETAILS, recipient: PAYEE };

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/** A challenge as servers write it, with other parameters; `undefined` leaves one out. */
function challenge(changed: Readonly<Record<string, string | undefined>> = {}): string {
  const parameters = {
    ...{ id: 'abc', realm: 'api.example.com', method: 'evm', intent: 'charge', request: encode(CHARGE) },
    ...{ expires: '2036-11-28T12:05:00Z', opaque: encode({ salt: 'x' }) },
    ...changed,
  };
  const written = Object.entries(parameters).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}="${value}"`],
  );
  return `Payment ${written.join(', ')}`;
}

const read = (...lines: string[]) =>
  payableChallenges(new Headers(lines.map((line): [string, string] => ['WWW-Authenticate', line])), TABLE, NOW);

describe('a challenge that turnpike pay reads', () => {
  it('is what it can pay, of all that a server says', () => {
    const [first, second, ...others] = read(
      'Basic realm="x, Payment y"',
      challenge({ method: 'tempo' }),
      challenge({ description: 'K\\u00f6ln \\"now\\", twice \\\\' }),
      challenge({ id: 'def', expires: undefined, header: 'Payment-Authorization' }),
    );
    expect(others).toEqual([]);
    expect(first).toMatchObject({
      ...{ id: 'abc', realm: 'api.example.com', description: 'Köln "now", twice \\', header: 'Authorization' },
      offer: { amount: 1000n, networkId: 'eip155:84532', payTo: PAYEE, maxTimeoutSeconds: 300 },
    });
    expect(first?.offer.asset?.symbol).toBe('USDC');
    expect(second).toMatchObject({ id: 'def', header: 'Payment-Authorization', offer: { maxTimeoutSeconds: 300 } });
  });

  const splits = [{ recipient: PAYEE, amount: '1' }];
  it.each([
    ['of another intent', challenge({ intent: 'session' })],
    ['without an id', challenge({ id: undefined })],
    ['with an empty id', challenge({ id: '' })],
    ['without a realm', challenge({ realm: undefined })],
    ['with a parameter twice', `${challenge()}, realm="other.example"`],
    ['with a text that has no end', `${challenge()}, description="x`],
    ['whose request is no JSON', challenge({ request: 'e30x' })],
    ['of no money', challenge({ request: encode({ ...CHARGE, amount: '0' }) })],
    ['of an amount that is none', challenge({ request: encode({ ...CHARGE, amount: '0x10' }) })],
    ['whose payee is none', challenge({ request: encode({ ...CHARGE, recipient: 'me' }) })],
    ['that no authorization pays', challenge({ request: encode({ ...CHARGE, methodDetails: { chainId: 84532 } }) })],
    ['that is split', challenge({ request: encode({ ...CHARGE, methodDetails: { ...DETAILS, splits } }) })],
    ['at its end', challenge({ expires: '2036-11-28T12:00:00Z' })],
    ['whose end is no time', challenge({ expires: 'soon' })],
    ['that would have the credential in a cookie', challenge({ header: 'Cookie' })],
    ['that would have it read by a proxy', challenge({ header: 'Proxy-Authorization' })],
  ])('is left out where it is one %s', (_name, line) => {
    expect(read(line)).toEqual([]);
  });
});

describe('a credential of turnpike pay', () => {
  it('is what mppx makes of the same challenge', async () => {
    const written = challenge();
    const [payable] = read(written);
    const token = payable?.offer.asset;
    if (payable === undefined || token?.transferMethod !== 'eip3009') throw new Error('no challenge to pay');
    const ours = partsOf(await signCredential(payable, buyer, token));
    const theirs = partsOf(await signChallenge(`0x${'11'.repeat(32)}`, Challenge.deserialize(written)));
    expect(ours).toEqual(theirs);
  });
});

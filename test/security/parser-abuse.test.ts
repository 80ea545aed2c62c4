import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodePayment, type PaymentParts, toHeader } from '../support/payment-header.ts';
import { codeOf, lastRequest, laySiege, paying, type Siege, statusOf } from './siege.ts';

/** Malformed payments: refused without asking the facilitator or the API, without a crash and without much work. */

let siege: Siege;
let payment: PaymentParts;

beforeAll(async () => {
  siege = await laySiege(`
routes:
  - { path: /paid, price: $0.01 }
  - { path: /named, price: $0.01, paymentIdentifier: required }
`);
  payment = await siege.sign('/paid');
});
afterAll(async () => await siege.close());

/** Neither the facilitator nor the API may get a request. */
async function expectRefused(headers: readonly string[], status: number, path = '/paid'): Promise<string | undefined> {
  const asked = siege.facilitator?.requests.length;
  const before = siege.seen.length;
  const response = await siege.ask(lastRequest(`GET ${path}`, headers));
  expect(statusOf(response)).toBe(status);
  expect(siege.facilitator?.requests.length).toBe(asked);
  expect(siege.seen.length).toBe(before);
  return status === 402 ? undefined : codeOf(response);
}

function withAuthorization(change: Record<string, unknown>): string {
  const { authorization, signature, ...rest } = payment;
  return toHeader({ ...rest, payload: { signature, authorization: { ...authorization, ...change } } });
}

function withAccepted(change: Record<string, unknown>): string {
  return encodePayment({ ...payment, accepted: { ...payment.accepted, ...change } });
}

function base64(text: string | Buffer): string {
  return Buffer.from(text).toString('base64');
}

describe('a header that holds no payment', () => {
  it.each([
    ['nothing', ''],
    ['one letter', 'A'],
    ['no base64', '!!!!'],
    ['base64url', `${base64('{"a":"\u00ff\u00fe\u00fb"}').replaceAll('+', '-').replaceAll('/', '_')}-_`],
    ['padding alone', '=='],
    ['padding in the middle', `${base64('{"x402Version":2}')}=${base64('{}')}`],
    ['JSON as it is', '{"x402Version":2}'],
    ['bytes that are not UTF-8', base64(Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]))],
    ['a byte order mark and nothing', base64('\ufeff')],
    ['half of an object', base64('{"x402Version":2,')],
    ['null', base64('null')],
    ['an array', base64('[]')],
    ['a number', base64('2')],
    ['a string', base64('"2"')],
    ['deep arrays', base64('['.repeat(2500) + ']'.repeat(2500))],
    ['deep objects', base64(`${'{"a":'.repeat(900)}1${'}'.repeat(900)}`)],
    ['a prototype', base64('{"x402Version":2,"__proto__":{"accepted":{}},"payload":{}}')],
    ['a constructor', base64('{"x402Version":2,"constructor":{"prototype":{"accepted":1}}}')],
    ['version 1', base64('{"x402Version":1}')],
    ['version "2"', base64('{"x402Version":"2"}')],
    ['version 2.0000000000000001 and nothing else', base64('{"x402Version":2.0000000000000001}')],
    ['fields of the wrong types', base64('{"x402Version":2,"accepted":[],"payload":"x","resource":1,"extensions":[]}')],
  ])('is refused: %s', async (_name, header) => {
    expect(await expectRefused([paying(header)], 400)).toBe('payment_malformed');
  });

  it('is refused when it is too long, without being read', async () => {
    expect(await expectRefused([paying('A'.repeat(12_300))], 400)).toBe('payment_header_too_large');
  });

  it.each([
    ['nests its extensions too deeply', `"extensions":{"a":${'['.repeat(40)}${']'.repeat(40)}},`],
    ['names a prototype', '"extensions":{"__proto__":{"polluted":true}},'],
  ])('is refused when it %s, however good the rest of it is', async (_name, member) => {
    const good = Buffer.from(encodePayment(payment), 'base64').toString('utf8');
    expect(await expectRefused([paying(base64(good.replace('{', `{${member}`)))], 400)).toBe('payment_malformed');
  });

  it('is refused in other spellings of base64, however good the rest of it is', async () => {
    const good = encodePayment({ ...payment, extensions: { any: '\u00fb\u00ff\u00fe???>>>' } });
    expect(good).toMatch(/[+/]/);
    for (const spelling of [
      good.replaceAll('+', '-').replaceAll('/', '_'),
      `${good.slice(0, 76)} ${good.slice(76)}`,
      `${good.slice(0, 40)}\t${good.slice(40)}`,
      `${good.slice(0, 40)}=${good.slice(40)}`,
      `${good}====`,
      `data:application/json;base64.${good}`,
      `"${good}"`,
    ]) {
      expect(await expectRefused([paying(spelling)], 400)).toBe('payment_malformed');
    }
  });

  it('is refused when it comes twice', async () => {
    const header = encodePayment(payment);
    expect(await expectRefused([paying(header), paying(header)], 400)).toBe('payment_header_repeated');
    expect(await expectRefused([paying(`${header},${header}`)], 400)).toBe('payment_header_repeated');
    expect(await expectRefused([paying(header), `X-PAYMENT: ${base64('{"x402Version":1}')}`], 400)).toBe(
      'payment_header_repeated',
    );
  });

  it('is no payment in another spelling of its name', async () => {
    const header = encodePayment(payment);
    for (const name of ['PAYMENT_SIGNATURE', 'PAYMENT.SIGNATURE', 'Payment-Signature2', 'X_PAYMENT']) {
      await expectRefused([`${name}: ${header}`], 402);
    }
  });
});

describe('numbers and hex', () => {
  it.each([
    '',
    ' 10000',
    '10000 ',
    '+10000',
    '-10000',
    '010000',
    '0x2710',
    '1e4',
    '10000.0',
    '10_000',
    '１００００',
    '10000\n',
    '9'.repeat(79),
    `1${'0'.repeat(78)}`,
  ])('are refused in the spelling %j, wherever they stand', async (spelling) => {
    expect(await expectRefused([paying(withAuthorization({ value: spelling }))], 400)).toBe('payment_malformed');
    expect(await expectRefused([paying(withAuthorization({ validAfter: spelling }))], 400)).toBe('payment_malformed');
    expect(await expectRefused([paying(withAuthorization({ validBefore: spelling }))], 400)).toBe('payment_malformed');
    expect(await expectRefused([paying(withAccepted({ amount: spelling }))], 400)).toBe('payment_malformed');
  });

  it.each([10_000, null, true, ['10000'], { toString: '10000' }])('are refused as %j', async (value) => {
    expect(await expectRefused([paying(withAuthorization({ value }))], 400)).toBe('payment_malformed');
  });

  it.each([
    { from: '0x' },
    { from: `0x${'0'.repeat(39)}` },
    { from: '' },
    { to: `0X${'0'.repeat(40)}` },
    { nonce: `0x${'0'.repeat(63)}` },
    { nonce: `0x${'0'.repeat(66)}` },
    { nonce: '0' },
  ])('are refused as %j', async (change) => {
    expect(await expectRefused([paying(withAuthorization(change))], 400)).toBe('payment_malformed');
  });
});

describe('a payment for something else', () => {
  it.each([
    { amount: '1' },
    { amount: '0' },
    { amount: '9999' },
    { payTo: `0x${'66'.repeat(20)}` },
    { asset: `0x${'66'.repeat(20)}` },
    { network: 'eip155:1' },
    { network: 'base-sepolia' },
    { scheme: 'upto' },
    { scheme: '__proto__' },
    { maxTimeoutSeconds: 1e9 },
    { extra: {} },
    { extra: { name: 'Mine', version: '2' } },
  ])('is refused when it does not match our offer: %j', async (change) => {
    await expectRefused([paying(withAccepted(change))], 402);
  });

  it.each([
    { value: '1' },
    { value: '20000' },
    { to: `0x${'66'.repeat(20)}` },
    { validBefore: '1' },
    { validBefore: '99999999999' },
    { validAfter: '99999999999' },
  ])('is refused when it was signed over other facts than the offer: %j', async (change) => {
    await expectRefused([paying(withAuthorization(change))], 402);
  });

  it('is refused when it names another resource', async () => {
    for (const url of [
      'http://gw.test/other',
      'http://gw.test/paid/more',
      'x',
      '',
      'javascript:alert(1)',
      `http://${'a'.repeat(3000)}/`,
    ]) {
      await expectRefused([paying({ ...payment, resource: { url } })], 402);
    }
  });
});

describe('a payment-identifier', () => {
  it.each([
    'short',
    'x'.repeat(129),
    'with blanks in it 1',
    'a|b|c|d|e|f|g|h|i',
    7,
    {},
    'ünïcödé-ünïcödé-1',
    'line\nfeed-line-feed',
  ])('is refused as %j', async (id) => {
    const named = await siege.sign('/named');
    const header = encodePayment({ ...named, extensions: { 'payment-identifier': { info: { id } } } });
    expect(await expectRefused([paying(header)], 400, '/named')).toBe('payment_malformed');
  });
});

it('serves requests after all these attacks', async () => {
  expect(statusOf(await siege.ask(lastRequest('GET /paid', [paying(payment)])))).toBe(200);
  expect(siege.gateway.log.filter(({ code }) => code === 'internal_error')).toEqual([]);
});

import { describe, expect, it } from 'vitest';
import type { Offer } from '../../../src/domain/offer.ts';
import type { JsonObject } from '../../../src/domain/x402.ts';
import { createExactAny } from '../../../src/scheme/exact-any/exact-any.ts';
import type { Authentication } from '../../../src/scheme/scheme.ts';
import { familyVectors, type Payload } from '../../conformance/family-vectors/vectors.ts';

const scheme = createExactAny();
const NETWORKS = {
  algorand: 'algorand:wGHE2Pwdvd7S12BL5FaOP20EGYesN73k',
  aptos: 'aptos:1',
  hedera: 'hedera:mainnet',
  stellar: 'stellar:pubnet',
} as const;
type Family = keyof typeof NETWORKS;
const families = Object.keys(NETWORKS) as Family[];

function read(network: string, payload: object): Authentication {
  return scheme.authenticate(payload as JsonObject, { network, maxTimeoutSeconds: 60 } as Offer, 0) as Authentication;
}

/** The payment key, or the words of the refusal. */
function keyOf(family: Family, payload: object): string {
  const found = read(NETWORKS[family], payload);
  if (found.kind === 'authentic') return found.authorization.key;
  return found.kind === 'malformed' ? found.detail : found.reason;
}

const isKey = (text: string): boolean => /\|[0-9a-f]{64}$/.test(text);

function of(kind: 'same' | 'other' | 'refused'): [Family, string, Payload][] {
  return families.flatMap((family) =>
    Object.entries(familyVectors[family][kind] ?? {}).map(([name, payload]): [Family, string, Payload] => [
      family,
      name,
      payload,
    ]),
  );
}

/** The bytes of a payload, the paying ones of a group, changed. */
function changed({ transaction, paymentGroup, paymentIndex = 0 }: Payload, change: (bytes: Buffer) => Buffer): Payload {
  const edit = (text = ''): string => change(Buffer.from(text, 'base64')).toString('base64');
  if (paymentGroup === undefined) return { transaction: edit(transaction) };
  return { paymentGroup: paymentGroup.with(paymentIndex, edit(paymentGroup[paymentIndex])), paymentIndex };
}

/** Writes `more` into the signed transaction of Algorand, as one more field of it. */
function withField(more: Buffer): (signed: Buffer) => Buffer {
  return (signed) => {
    const at = signed.indexOf(Buffer.from('a374786e', 'hex')) + 4;
    const size = Buffer.from([signed.readUInt8(at) + 1]);
    return Buffer.concat([signed.subarray(0, at), size, more, signed.subarray(at + 1)]);
  };
}

/** Puts a list in a list in a list … in the place of the signature in Stellar's authorization entry. */
function withDeepSignature(envelope: Buffer): Buffer {
  const account = '00000000'.repeat(2);
  const hex = envelope.toString('hex');
  const payer = hex.slice(hex.indexOf(`00000012${account}`) + 24).slice(0, 64);
  const entry = hex.indexOf(`00000001${account}${payer}`) / 2;
  const signature = entry + 4 + 8 + 32 + 8 + 4;
  return Buffer.concat([envelope.subarray(0, signature), Buffer.from('000000100000000100000001'.repeat(3000), 'hex')]);
}

describe('the key of a payment that only its facilitator can check', () => {
  it.each(families)('is one for the official payload of %s, on each network of it', (family) => {
    const { payload } = familyVectors[family];
    expect(isKey(keyOf(family, payload))).toBe(true);
    expect(keyOf(family, { ...payload, note: 'another' })).toBe(keyOf(family, payload));
    expect(read(`${family}:another`, payload)).not.toMatchObject({ authorization: { key: keyOf(family, payload) } });
  });

  it.each(of('same'))('of %s is the same for the same payment with %s', (family, _name, payload) => {
    const key = keyOf(family, familyVectors[family].payload);
    expect(isKey(key)).toBe(true);
    expect(keyOf(family, payload)).toBe(key);
  });

  it.each(of('other'))('of %s is another for %s', (family, _name, payload) => {
    expect(isKey(keyOf(family, payload))).toBe(true);
    expect(keyOf(family, payload)).not.toBe(keyOf(family, familyVectors[family].payload));
  });

  it.each(of('refused'))('of %s is none for %s, which is refused in words', (family, _name, payload) => {
    expect(keyOf(family, payload)).toMatch(/^the payment (?:has|calls|is|authorizes) /);
  });

  it('of Algorand depends neither on signatures, nor on the transaction of the fee payer, nor on the index in the group', () => {
    const { payload, other } = familyVectors.algorand;
    const key = keyOf('algorand', payload);
    const [fee = '', paying = ''] = payload.paymentGroup ?? [];
    const signed = Buffer.from(paying, 'base64');
    signed[signed.indexOf('sig') + 10] = 0x55;
    expect(keyOf('algorand', { paymentGroup: [fee, signed.toString('base64')], paymentIndex: 1 })).toBe(key);
    expect(keyOf('algorand', { paymentGroup: ['AAAA', paying], paymentIndex: 1 })).toBe(key);
    expect(keyOf('algorand', { paymentGroup: [paying, paying], paymentIndex: 0 })).toBe(key);
    const keys = Object.values(other).map((one) => keyOf('algorand', one));
    expect(new Set(keys).size).toBe(keys.length);
  });

  it('of Algorand is that of the canonical form, in whatever form a transaction alone was sent', () => {
    const alone = familyVectors.algorand.other['without a fee payer'] ?? {};
    const emptyLease = Buffer.concat([Buffer.from('a26c78c420', 'hex'), Buffer.alloc(32)]);
    const zero = Buffer.from('a46161aa00'.replace('6161aa', '78616964'), 'hex');
    const key = keyOf('algorand', alone);
    expect(isKey(key)).toBe(true);
    expect(keyOf('algorand', changed(alone, withField(emptyLease)))).toBe(key);
    expect(keyOf('algorand', changed(alone, withField(zero)))).toBe('the payment has a name twice');
    expect(keyOf('algorand', changed(alone, withField(Buffer.from('a3787878a0', 'hex'))))).toBe(key);
    expect(keyOf('algorand', changed(alone, withField(Buffer.from('a3787878a161', 'hex'))))).toBe(
      'the payment has a field that no transfer has',
    );
  });

  it('of Aptos is made of the transaction alone, in whatever JSON it stands', () => {
    const { payload } = familyVectors.aptos;
    const key = keyOf('aptos', payload);
    const told = (change: (text: string) => string): string =>
      keyOf(
        'aptos',
        changed(payload, (bytes) => Buffer.from(change(bytes.toString()))),
      );
    expect(told((text) => text.replaceAll(',', ', '))).toBe(key);
    expect(told((text) => text.replace(/"senderAuthenticator":\[[\d,]+\]/, '"senderAuthenticator":[]'))).toBe(key);
    expect(told((text) => text.replace('{', '{"transaction":[1],'))).toBe('the payment holds JSON of two meanings');
    expect(told((text) => text.replace('[', '[1e0,'))).toMatch(/^the payment /);
    expect(told((text) => text.replace('],', ',0],'))).toBe('the payment holds bytes after its transaction');
    expect(told(() => '[')).toBe('the payment holds no {transaction, senderAuthenticator} of bytes');
  });

  it('of Hedera is none where a part of the transaction id is there twice or is an alias', () => {
    const { payload } = familyVectors.hedera;
    const list = (body: Buffer): string => {
      const wrap = (tag: number, bytes: Buffer): Buffer => Buffer.concat([Buffer.from([tag, bytes.length]), bytes]);
      return wrap(0x0a, wrap(0x2a, wrap(0x0a, body))).toString('base64');
    };
    const start = Buffer.from('0a0208011202 1807'.replace(' ', ''), 'hex');
    const id = (inner: Buffer): Buffer => Buffer.concat([Buffer.from([0x0a, inner.length]), inner]);
    expect(isKey(keyOf('hedera', { transaction: list(id(start)) }))).toBe(true);
    expect(keyOf('hedera', { transaction: list(Buffer.concat([id(start), id(start)])) })).toBe(
      'the payment has a part twice',
    );
    const alias = Buffer.from('0a02080112022200', 'hex');
    expect(keyOf('hedera', { transaction: list(id(alias)) })).toBe('the payment names its fee payer by an alias');
    const scheduled = Buffer.concat([start, Buffer.from('1801', 'hex')]);
    expect(keyOf('hedera', { transaction: list(id(scheduled)) })).toMatch(/only the network makes$/);
    const older = changed(payload, (bytes) => Buffer.concat([bytes, Buffer.from('0a021a00', 'hex')]));
    expect(keyOf('hedera', older)).toMatch(/^the payment /);
  });

  it('covers the whole payload of a family that the gateway cannot read', () => {
    const one = read('near:mainnet', { a: 1, b: 2 });
    expect(one).toMatchObject({ kind: 'authentic', authorization: { proved: false, payer: '' } });
    expect(read('near:mainnet', { b: 2, a: 1 })).toEqual(one);
    expect(read('near:mainnet', {})).toEqual({ kind: 'malformed', detail: 'the payment is empty' });
    expect(read('constructor:x', { a: 1 })).toMatchObject({ kind: 'authentic' });
  });
});

describe('hostile payloads of other families', () => {
  it.each(families)('of %s end with words wherever they are cut or changed, never with a fault', (family) => {
    const { payload } = familyVectors[family];
    const { length } = Buffer.from(payload.transaction ?? payload.paymentGroup?.[1] ?? '', 'base64');
    const told = new Set<string>();
    for (let at = 0; at < length; at += Math.ceil(length / 60)) {
      told.add(
        keyOf(
          family,
          changed(payload, (bytes) => bytes.subarray(0, at)),
        ),
      );
      for (const value of [0x00, 0x7f, 0xff]) {
        const edited = changed(payload, (bytes) =>
          Buffer.concat([bytes.subarray(0, at), Buffer.from([value]), bytes.subarray(at + 1)]),
        );
        told.add(keyOf(family, edited));
      }
    }
    const words = [...told].filter((text) => !isKey(text));
    expect(words.length).toBeGreaterThan(1);
    expect(words.filter((text) => !text.startsWith('the payment '))).toEqual([]);
  });

  it('are refused at lists that claim more than they hold and at values within values without end', () => {
    const deep: Record<Family, object> = {
      algorand: { paymentGroup: [Buffer.alloc(40_000, 0x91).toString('base64')], paymentIndex: 0 },
      aptos: { transaction: Buffer.from('['.repeat(40_000)).toString('base64') },
      hedera: { transaction: Buffer.alloc(40_000, 0x0a).toString('base64') },
      stellar: changed(familyVectors.stellar.payload, withDeepSignature),
    };
    for (const family of ['algorand', 'stellar'] as const)
      expect(keyOf(family, deep[family])).toBe('the payment has values that are too deep');
    for (const family of families) expect(keyOf(family, deep[family])).toMatch(/^the payment /);
    const many = Buffer.from('ddffffffff', 'hex').toString('base64');
    expect(keyOf('algorand', { paymentGroup: [many], paymentIndex: 0 })).toBe('the payment ends too early');
    for (const index of [-1, 1, 0.5, '0', undefined]) {
      expect(
        keyOf('algorand', { ...familyVectors.algorand.payload, paymentGroup: [many], paymentIndex: index }),
      ).toMatch(/^the payment names no transaction/);
    }
    expect(keyOf('stellar', { transaction: 'A'.repeat(70_000) })).toMatch(/is not base64/);
  });
});

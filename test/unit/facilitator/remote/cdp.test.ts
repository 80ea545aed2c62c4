import { createPublicKey, generateKeyPairSync, type KeyObject, verify } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { openCdpKey } from '../../../../src/facilitator/remote/cdp-token.ts';

const NOW = 1_767_000_000;
const NONCE = Buffer.from('00112233445566778899aabbccddeeff', 'hex');
const VERIFY = new URL('https://api.cdp.coinbase.com/platform/v2/x402/verify');
const KEY_ID = 'organizations/1/apiKeys/2';

/** What a token says, after its signature was checked the way a JOSE library does it. */
function opened(token: string, publicKey: KeyObject): { header: unknown; claims: unknown } {
  const [header = '', claims = '', signature = ''] = token.split('.');
  const signed = Buffer.from(`${header}.${claims}`);
  const bytes = Buffer.from(signature, 'base64url');
  const isEc = publicKey.asymmetricKeyType === 'ec';
  const good = isEc
    ? verify('sha256', signed, { key: publicKey, dsaEncoding: 'ieee-p1363' }, bytes)
    : verify(null, signed, publicKey, bytes);
  expect(good).toBe(true);
  expect(bytes.byteLength).toBe(64);
  const json = (part: string): unknown => JSON.parse(Buffer.from(part, 'base64url').toString());
  return { header: json(header), claims: json(claims) };
}

const EXPECTED_CLAIMS = {
  sub: KEY_ID,
  iss: 'cdp',
  uris: ['POST api.cdp.coinbase.com/platform/v2/x402/verify'],
  iat: NOW,
  nbf: NOW,
  exp: NOW + 120,
};

describe('the token for the Coinbase Developer Platform', () => {
  const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const ed = generateKeyPairSync('ed25519');
  const edPublic = ed.publicKey.export({ format: 'der', type: 'spki' }).subarray(-32);
  const edSeed = ed.privateKey.export({ format: 'der', type: 'pkcs8' }).subarray(-32);
  const edSecret = Buffer.concat([edSeed, edPublic]).toString('base64');

  it.each([
    ['PKCS #8', ec.privateKey.export({ format: 'pem', type: 'pkcs8' }).toString()],
    ['SEC 1', ec.privateKey.export({ format: 'pem', type: 'sec1' }).toString()],
    [
      'SEC 1 with escaped line ends',
      ec.privateKey.export({ format: 'pem', type: 'sec1' }).toString().replaceAll('\n', '\\n'),
    ],
  ])('is signed with ES256 by an EC key in %s PEM', (_, keySecret) => {
    const token = openCdpKey({ keyId: KEY_ID, keySecret })('POST', VERIFY, NOW, NONCE);
    const { header, claims } = opened(token, createPublicKey(ec.privateKey));
    expect(header).toEqual({ alg: 'ES256', kid: KEY_ID, typ: 'JWT', nonce: NONCE.toString('hex') });
    expect(claims).toEqual(EXPECTED_CLAIMS);
  });

  it('is signed with EdDSA by a base64 Ed25519 key', () => {
    const token = openCdpKey({ keyId: KEY_ID, keySecret: edSecret })('POST', VERIFY, NOW, NONCE);
    const { header, claims } = opened(token, ed.publicKey);
    expect(header).toEqual({ alg: 'EdDSA', kid: KEY_ID, typ: 'JWT', nonce: NONCE.toString('hex') });
    expect(claims).toEqual(EXPECTED_CLAIMS);
  });

  it('names the method, host, port and path of its own request', () => {
    const make = openCdpKey({ keyId: KEY_ID, keySecret: edSecret });
    const token = make('GET', new URL('https://127.0.0.1:8443/x402/supported'), NOW, NONCE);
    expect(opened(token, ed.publicKey).claims).toMatchObject({ uris: ['GET 127.0.0.1:8443/x402/supported'] });
  });

  it('is refused without telling the secret when the key is of no use', () => {
    const other = generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).privateKey;
    const mixed = Buffer.concat([edSeed, Buffer.alloc(32)]).toString('base64');
    const secrets = [
      other.export({ format: 'pem', type: 'pkcs8' }).toString(),
      mixed,
      'c2VjcmV0',
      '-----BEGIN nonsense',
    ];
    for (const keySecret of secrets) {
      const open = () => openCdpKey({ keyId: KEY_ID, keySecret });
      expect(open).toThrow('The facilitator key `cdp.keySecret` cannot be used.');
      expect(open).not.toThrow(keySecret);
    }
  });
});

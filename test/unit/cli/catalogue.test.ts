import { generateKeyPairSync, verify } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CatalogueAddress, readCatalogue } from '../../../src/cli/listed/catalogue.ts';

const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const cdp = { keyId: 'key', keySecret: privateKey.export({ format: 'pem', type: 'pkcs8' }).toString() };
const payees = ['0x209693Bc6afc0C5328bA36FaF03C514EF312287C'];

/** The paths that tokens were made for, where they are signed with the key. */
const admitted: string[] = [];
const server = createServer((request, response) => {
  const uri = uriOf(request);
  if (uri === undefined && request.headers['x-api-key'] !== 'known') {
    response.statusCode = 401;
    response.end();
    return;
  }
  if (uri !== undefined) admitted.push(uri);
  const offset = Number(new URL(request.url ?? '', 'http://a').searchParams.get('offset'));
  const left = Math.max(0, Math.min(100, 150 - offset));
  const items = Array.from({ length: left }, (_, at) => ({ resource: `https://api.example.com/${offset + at}` }));
  response.end(JSON.stringify({ items }));
});

function uriOf({ headers }: IncomingMessage): string | undefined {
  const [header = '', claims = '', signature = ''] = (headers.authorization ?? '').replace('Bearer ', '').split('.');
  const key = { key: publicKey, dsaEncoding: 'ieee-p1363' } as const;
  if (!verify('sha256', Buffer.from(`${header}.${claims}`), key, Buffer.from(signature, 'base64url'))) return undefined;
  const said: unknown = JSON.parse(Buffer.from(claims, 'base64url').toString());
  return typeof said === 'object' && said !== null && 'uris' in said ? String(said.uris) : undefined;
}

let url = '';
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/platform/v2/x402`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

const address = (rest: Partial<CatalogueAddress>): CatalogueAddress => ({ url, headers: [], cdp: undefined, ...rest });

describe('the catalogue of a facilitator that requires a login', () => {
  it('is read page by page with tokens that are signed for its address', async () => {
    const listed = await readCatalogue(address({ cdp }), payees);
    expect([listed.length, listed.at(-1)?.url]).toEqual([150, 'https://api.example.com/149']);
    const uri = `GET ${new URL(url).host}/platform/v2/x402/discovery/resources`;
    expect(admitted).toEqual([uri, uri]);
  });

  it('is read with the headers of the configuration', async () => {
    expect(await readCatalogue(address({ headers: [['x-api-key', 'known']] }), payees)).toHaveLength(150);
  });

  it('is refused without a login, and the error says so', async () => {
    await expect(readCatalogue(address({}), payees)).rejects.toThrow('its catalogue asks for a login (401)');
  });
});

import { once } from 'node:events';
import http2 from 'node:http2';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { http2FieldsOf, SENT_ONCE } from '../../../src/server/edge/http2-fields.ts';

/** The fields that this Node does not send twice. */
async function refusedByNode(): Promise<string[]> {
  const names = Object.entries(http2.constants)
    .filter(([key]) => key.startsWith('HTTP2_HEADER_'))
    .map(([, name]) => String(name))
    .filter((name) => !name.startsWith(':'));
  const refused = Promise.withResolvers<string[]>();
  const server = http2.createServer().on('stream', (stream) => {
    refused.resolve(
      names.filter((name) => {
        try {
          stream.additionalHeaders({ ':status': 103, [name]: ['1', '2'] });
          return false;
        } catch (error) {
          return error instanceof Error && 'code' in error && error.code === 'ERR_HTTP2_HEADER_SINGLE_VALUE';
        }
      }),
    );
    stream.respond({}, { endStream: true });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const session = http2.connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  session.request().resume();
  const found = await refused.promise;
  session.destroy();
  server.close();
  return found;
}

describe('http2FieldsOf', () => {
  it('cuts the fields that Node does not send twice, and no others', async () => {
    expect([...SENT_ONCE].toSorted()).toEqual((await refusedByNode()).toSorted());
  });

  it('keeps every value of the others, in order and under one name', () => {
    const raw = ['Vary', 'a', 'ETag', '1', 'vary', 'b', 'etag', '2', 'VARY', 'c', '__proto__', 'd', 'Connection', 'e'];
    expect(Object.entries(http2FieldsOf(raw))).toEqual([
      ['vary', ['a', 'b', 'c']],
      ['etag', '1'],
      ['__proto__', 'd'],
    ]);
  });
});

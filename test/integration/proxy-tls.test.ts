import { once } from 'node:events';
import { createServer, type ServerOptions } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';
import type { UpstreamTls } from '../../src/domain/upstream.ts';
import { HealthBook } from '../../src/proxy/server-health.ts';
import { openUpstreamClient, type UpstreamResponse } from '../../src/proxy/upstream-connection.ts';
import { UNCOUNTED, upstreamAt } from '../support/odd-upstream.ts';
import { FIELDS } from '../support/payment-fields.ts';
import { UPSTREAM_TEST } from '../support/upstream-certificate.ts';

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const each of open.splice(0)) await each.close();
});

/** Sends one request to an https upstream on loopback whose certificate is for `upstream.test`. */
async function call(
  tls: UpstreamTls | undefined,
  host?: string,
  demands: ServerOptions = {},
): Promise<{ response: UpstreamResponse; names: unknown[] }> {
  const names: unknown[] = [];
  const server = createServer({ ...UPSTREAM_TEST, ...demands }, (_req, res) => res.end('secret'));
  server.on('secureConnection', (socket: TLSSocket & { servername?: unknown }) => names.push(socket.servername));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const origin = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const client = openUpstreamClient(upstreamAt(0, { servers: [{ origin, basePath: '' }], tls }), new HealthBook());
  open.push({
    async close() {
      server.closeAllConnections();
      server.close();
      await client.close();
    },
  });
  const headers = host === undefined ? [] : ['host', host];
  const request = {
    method: 'GET',
    path: '/',
    headers,
    body: undefined,
    place: UNCOUNTED,
    fields: FIELDS,
    timeoutMs: 5000,
  };
  const response = await client.open(request);
  return { response, names };
}

describe('an https upstream', () => {
  it('is not spoken to when its certificate is not trusted', async () => {
    await expect(call(undefined)).rejects.toMatchObject({ code: 'upstream_unreachable', cause: { reached: 'no' } });
  });

  it('is not spoken to when its certificate is for another name', async () => {
    const tls = { ca: UPSTREAM_TEST.cert, serverName: undefined, identity: undefined };
    await expect(call(tls)).rejects.toMatchObject({ code: 'upstream_unreachable', cause: { reached: 'no' } });
  });

  it.each([undefined, 'other.test'])('is expected to be the configured name, with the Host header %s', async (host) => {
    const { response, names } = await call(
      { ca: UPSTREAM_TEST.cert, serverName: 'upstream.test', identity: undefined },
      host,
    );
    expect(response.status).toBe(200);
    expect(names).toEqual(['upstream.test']);
    response.discard();
  });

  it('is shown the certificate that is configured, where it asks for one', async () => {
    const tls = { ca: UPSTREAM_TEST.cert, serverName: 'upstream.test', identity: UPSTREAM_TEST };
    const { response } = await call(tls, undefined, { requestCert: true, ca: UPSTREAM_TEST.cert });
    expect(response.status).toBe(200);
    response.discard();
  });

  it('answers nothing when it asks for a certificate and there is none', async () => {
    const tls = { ca: UPSTREAM_TEST.cert, serverName: 'upstream.test', identity: undefined };
    const demands = { requestCert: true, ca: UPSTREAM_TEST.cert };
    await expect(call(tls, undefined, demands)).rejects.toMatchObject({ code: 'upstream_unreachable' });
  });
});

import { Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compileTrustedPeers } from '../../src/proxy/trusted-peers.ts';
import { ConnectionGuard } from '../../src/server/connection-guard.ts';
import { type Devnet, startDevnet } from '../support/devnet.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { exchangeRaw } from '../support/raw-http.ts';
import { settings } from '../support/settings.ts';
import { startUpstream, type TestUpstream } from '../support/upstream.ts';

/**
 * A neighbour on the link connects from `fe80::…%` and the name of our interface, which for bridges and VLANs holds `-` or
 * `.`. The address is read where a connection begins: a throw there ends the process with everybody's requests.
 */

const ZONED = ['fe80::1%br-0a1b2c3d', 'fe80::1%eth0.100', 'fe80::1%veth:1', 'fe80::1%wg_0', '::ffff:192.0.2.1%a-b'];

let devnet: Devnet;
let upstream: TestUpstream;
let gateway: TestGateway;

beforeAll(async () => {
  [devnet, upstream] = await Promise.all([startDevnet(), startUpstream()]);
  gateway = await startTestGateway(
    `${settings(devnet, upstream.url)}enforce: 50%
trustedProxies: [127.0.0.0/8, "fe80::/10"]
routes:
  - { path: /half, price: $0.001 }
`,
  );
});

afterAll(async () => {
  await gateway.close();
  await Promise.all([devnet.close(), upstream.close()]);
});

function socketFrom(address: string): Socket {
  const socket = new Socket();
  Object.defineProperty(socket, 'remoteAddress', { value: address });
  return socket;
}

describe('an address with an interface name in it', () => {
  it.each(ZONED)('does not end the process when a connection comes from it: %s', async (address) => {
    const { plan } = gateway;
    for (const blocks of [[], ['10.0.0.0/8', 'fe80::/10']]) {
      const trustedPeers = compileTrustedPeers(blocks);
      const guard = new ConnectionGuard(() => ({ plan, trustedPeers }));
      const socket = socketFrom(address);
      expect(guard.count(socket)).toBe(true);
      expect(guard.countOfAddress(socket, true)).toBe(true);
      expect(guard.open).toBe(1);
      socket.destroy();
    }
  });

  it('is compared with address blocks without the interface name', () => {
    expect(compileTrustedPeers(['fe80::/10']).has('fe80::1%br-0a1b2c3d')).toBe(true);
    expect(compileTrustedPeers(['10.0.0.0/8']).has('fe80::1%br-0a1b2c3d')).toBe(false);
  });

  it.each(ZONED)('causes no error of the gateway when a trusted proxy names it: %s', async (address) => {
    const { port } = new URL(gateway.url);
    const request = `GET /half HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: ${address}\r\nConnection: close\r\n\r\n`;
    const { statusLine } = await exchangeRaw(Number(port), request);
    expect(statusLine).toMatch(/^HTTP\/1\.1 (200|402) /);
  });
});

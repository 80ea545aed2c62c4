import { describe, expect, it } from 'vitest';
import { compileTrustedPeers } from '../../../src/proxy/trusted-peers.ts';

describe('trusted peers', () => {
  it('are none by default', () => {
    expect(compileTrustedPeers([]).has('127.0.0.1')).toBe(false);
  });

  it('are matched by address and by block', () => {
    const peers = compileTrustedPeers(['10.0.0.0/8', '192.168.1.7', 'fd00::/8']);
    for (const address of ['10.0.0.1', '10.255.255.255', '192.168.1.7', 'fd12::1'])
      expect(peers.has(address)).toBe(true);
    for (const address of ['11.0.0.1', '192.168.1.8', 'fe80::1', '::1']) expect(peers.has(address)).toBe(false);
  });

  it('are the same in IPv4 and in its IPv6-mapped form', () => {
    expect(compileTrustedPeers(['10.0.0.0/8']).has('::ffff:10.1.2.3')).toBe(true);
    expect(compileTrustedPeers(['::ffff:10.0.0.0/104']).has('10.1.2.3')).toBe(true);
    expect(compileTrustedPeers(['::ffff:10.0.0.0/104']).has('11.1.2.3')).toBe(false);
  });

  it('do not include IPv4 in a block of all IPv6', () => {
    expect(compileTrustedPeers(['::/0']).has('10.0.0.1')).toBe(false);
  });

  it('are never an address that cannot be read', () => {
    const peers = compileTrustedPeers(['0.0.0.0/0', '::/0']);
    for (const address of [undefined, '', 'unix', '10.0.0', '10.0.0.1, 10.0.0.2'])
      expect(peers.has(address)).toBe(false);
  });

  it.each([
    '010.0.0.0/8',
    '10.1',
    '10.0.0.0/33',
    '10.0.0.0/',
    '10.0.0.0/8/8',
    'fd00::/129',
    'localhost',
    '',
  ])('cannot be written as %j', (block) => {
    expect(() => compileTrustedPeers([block])).toThrow();
  });
});

import { describe, expect, it } from 'vitest';
import { addressGroup, clientGroup } from '../../../src/proxy/client-address.ts';
import { compileTrustedPeers } from '../../../src/proxy/trusted-peers.ts';

describe('what counts as one client', () => {
  it.each([
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8:1:2::9', '2001:db8:1:2::/64'],
    ['::1', '0:0:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['fe80::1%br-0a1b', 'fe80:0:0:0::/64'],
    ['fe80::1%eth0.100', 'fe80:0:0:0::/64'],
    ['fe80::1%wg_0', 'fe80:0:0:0::/64'],
    ['not an address', 'unknown'],
    [undefined, 'unknown'],
  ])('%s is counted as %s', (address, group) => {
    expect(addressGroup(address)).toBe(group);
  });
});

const TRUSTED = compileTrustedPeers(['10.0.0.0/8']);

function counted(peer: string, forwardedFor?: string): string {
  return clientGroup({ peer, headers: { 'x-forwarded-for': forwardedFor } }, TRUSTED);
}

describe('the address that a request is counted under', () => {
  it('is the peer, whatever it claims, unless the peer is a trusted proxy', () => {
    expect(counted('192.0.2.1', '198.51.100.7')).toBe('192.0.2.1');
  });

  it.each([
    ['198.51.100.7', '198.51.100.7'],
    ['203.0.113.66, 198.51.100.7', '198.51.100.7'],
    ['203.0.113.66, 198.51.100.7, 10.1.1.1,10.2.2.2', '198.51.100.7'],
    ['203.0.113.66, 198.51.100.7:4711', '198.51.100.7'],
    ['[2001:db8::1]:4711', '2001:db8:0:0::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
  ])('is the right-most hop of %j that is no trusted proxy', (header, group) => {
    expect(counted('10.0.0.1', header)).toBe(group);
  });

  it.each([
    '198.51.100.7, unknown',
    '198.51.100.7, 1.2.3',
    '198.51.100.7,',
    '198.51.100.7, [::1',
  ])('is the proxy itself when %j names no client on the right', (header) => {
    expect(counted('10.0.0.1', header)).toBe('10.0.0.1');
  });

  it('is the first proxy where every hop is one', () => {
    expect(counted('10.0.0.1', '10.0.0.3, 10.0.0.2')).toBe('10.0.0.3');
    expect(counted('10.0.0.1')).toBe('10.0.0.1');
  });

  it.each([
    ['for=198.51.100.7', '198.51.100.7'],
    ['for="198.51.100.7:4711";proto=https', '198.51.100.7'],
    ['for=203.0.113.66, for="[2001:db8::1]", for=10.0.0.2', '2001:db8:0:0::/64'],
    ['for=203.0.113.66;x=", for="[2001:db8::1]"', '10.0.0.1'],
    ['for=203.0.113.66;x="\\, for="[2001:db8::1]"', '10.0.0.1'],
    ['for=203.0.113.66;x="', '10.0.0.1'],
  ])('in Forwarded: %s is %s', (forwarded, group) => {
    expect(clientGroup({ peer: '10.0.0.1', headers: { forwarded } }, TRUSTED)).toBe(group);
  });

  it('is that of X-Forwarded-For where both headers are there', () => {
    const headers = { 'x-forwarded-for': '198.51.100.7', forwarded: 'for=203.0.113.66' };
    expect(clientGroup({ peer: '10.0.0.1', headers }, TRUSTED)).toBe('198.51.100.7');
  });
});

import { describe, expect, it } from 'vitest';
import { evmChainId, networkFamily, parseNetwork } from '../../../src/domain/network.ts';

describe('a network', () => {
  it.each([
    ['eip155:1', 'eip155', 1],
    ['eip155:8453', 'eip155', 8453],
    ['eip155:84532', 'eip155', 84532],
    ['eip155:999999999999999', 'eip155', 999_999_999_999_999],
    ['solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp', 'solana', undefined],
    ['xrpl:0', 'xrpl', undefined],
    ['bip122:000000000019d6689c085ae165831e93', 'bip122', undefined],
  ])('%s is of the family %s', (text, family, chainId) => {
    const network = parseNetwork(text);
    expect(network).toBe(text);
    expect(networkFamily(network!)).toBe(family);
    expect(evmChainId(network!)).toBe(chainId);
  });

  it.each([
    '',
    'base',
    'eip155',
    'eip155:',
    ':1',
    'eip155:0',
    'eip155:01',
    'eip155:-1',
    'eip155:+1',
    'eip155:0x1',
    'eip155:1e3',
    'eip155:1.0',
    'eip155:abc',
    'eip155:١',
    'eip155:1 ',
    ' eip155:1',
    'eip155:1\n',
    'EIP155:1',
    'Eip155:8453',
    'eip155:1:2',
    'ab:1',
    'toolongname:1',
    `solana:${'a'.repeat(65)}`,
    'sol/ana:1',
  ])('%j is no network', (text) => {
    expect(parseNetwork(text)).toBeUndefined();
  });

  it('refuses a chain id that a number cannot hold exactly', () => {
    expect(parseNetwork('eip155:9007199254740993')).toBeUndefined();
    expect(parseNetwork('eip155:9999999999999999')).toBeUndefined();
  });

  it.each([1, null, undefined, ['eip155:1'], {}])('a value that is no string is no network: %j', (value) => {
    expect(parseNetwork(value)).toBeUndefined();
  });
});

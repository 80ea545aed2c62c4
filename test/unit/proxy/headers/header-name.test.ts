import { expect, it } from 'vitest';
import { headerNames } from '../../../../src/proxy/headers/header-name.ts';

const readHeaderName = headerNames({ whole: new Set(), shared: new Map() });

it('reads a name in any case and of any length the same however often it comes', () => {
  const long = `X402-${'a'.repeat(100)}`;
  for (const _ of [1, 2]) {
    expect(readHeaderName('X402_Payer')).toEqual({
      lower: 'x402_payer',
      key: 'x402-payer',
      isRelayed: false,
      forwarded: 'never',
      foreign: undefined,
    });
    expect(readHeaderName(long)).toMatchObject({ lower: long.toLowerCase(), isRelayed: false, forwarded: 'never' });
    expect(readHeaderName('Content_Length').forwarded).toBe('never');
    expect(readHeaderName('Content-Length').forwarded).toBe('always');
    expect(readHeaderName('X-Real-IP').forwarded).toBe('from trusted peers');
    expect(readHeaderName('X_Forwarded_For').forwarded).toBe('never');
    expect(readHeaderName('Keep-Alive')).toMatchObject({ isRelayed: false, forwarded: 'never' });
  }
});

it('goes on reading rightly when more names come than it remembers', () => {
  for (let index = 0; index < 5000; index += 1) {
    expect(readHeaderName(`X402-N${index}`).isRelayed).toBe(false);
    expect(readHeaderName(`X-N${index}`).isRelayed).toBe(true);
  }
  expect(readHeaderName('X402-N0').isRelayed).toBe(false);
});

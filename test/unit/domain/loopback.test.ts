import { describe, expect, it } from 'vitest';
import { isLoopback } from '../../../src/domain/loopback.ts';

describe('a host of this machine', () => {
  it.each(['localhost', '127.0.0.1', '127.9.8.7', '[::1]'])('is %s', (host) => {
    expect(isLoopback(host)).toBe(true);
  });

  it.each([
    '127.example.com',
    '127.0.0.1.example.com',
    'localhost.example.com',
    '128.0.0.1',
    '[::2]',
    '',
  ])('is not %s, which may be anywhere', (host) => {
    expect(isLoopback(host)).toBe(false);
  });
});

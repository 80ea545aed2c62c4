import { describe, expect, it } from 'vitest';
import { meteredPath } from '../../../src/metering/metered-path.ts';

describe('The path of a metered call', () => {
  it.each([
    ['/v1/chat/completions', '/v1/chat/completions'],
    ['/v1/chat/completions/', '/v1/chat/completions'],
    ['/V1/Chat/COMPLETIONS', '/v1/chat/completions'],
    ['/v1//chat/completions//', '/v1/chat/completions'],
    ['/v1/chat/completions;a=1/', '/v1/chat/completions'],
    ['/v1/chat%2Fcompletions', '/v1/chat/completions'],
    ['/v1/chat%5Ccompletions%3Bx', '/v1/chat/completions'],
    ['/v1beta/models/g%3AgenerateContent', '/v1beta/models/g:generatecontent'],
    ['/', '/'],
    ['/v1/chat/completions/7', '/v1/chat/completions/7'],
  ])('is that which the laxest router reads: %s', (path, read) => {
    expect(meteredPath(path)).toBe(read);
  });
});

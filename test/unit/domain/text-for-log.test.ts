import { describe, expect, it } from 'vitest';
import { textForLog } from '../../../src/domain/text-for-log.ts';

const KEY = 'a1B2c3D4e5F6g7H8i9J0k1L2';

describe('the text of another service in the log', () => {
  it.each([
    [
      'a URL',
      `fetch failed: https://user:${KEY}@node.example/v2/${KEY}?key=${KEY}`,
      'fetch failed: https://node.example',
    ],
    ['a URL without a scheme', `no answer of //node.example/v2/${KEY}`, 'no answer of //node.example'],
    [
      'a host with a path',
      `rpc node.example/v2/${KEY}: 429 Too Many Requests`,
      'rpc node.example 429 Too Many Requests',
    ],
    ['a host with a port', `rpc node.example:8545/${KEY} is away`, 'rpc node.example:8545 is away'],
    ['a host with a query', `rpc node.example?apikey=${KEY} is away`, 'rpc node.example is away'],
    [
      "Python's words for a path",
      `HTTPSConnectionPool(host='node.example', port=443): Max retries exceeded with url: /v2/${KEY} (Caused by ReadTimeoutError)`,
      "HTTPSConnectionPool(host='node.example', port=443): Max retries exceeded with url: /… (Caused by ReadTimeoutError)",
    ],
    ['a path', `POST /v2/${KEY} failed`, 'POST /v2/… failed'],
    ['a key by its name', `refused: apiKey="${KEY}", id 7`, 'refused: apiKey="…", id 7'],
    ['a short key', 'refused (key=abc123, id=7)', 'refused (key=…, id=7)'],
    ['a token by its name', `refused: access_token=${KEY}`, 'refused: access_token=…'],
    ['a header', `Authorization: Bearer ${KEY}`, 'Authorization: … …'],
    ['a header in words', `sent bearer ${KEY} and failed`, 'sent bearer … and failed'],
    ['hex of a key', `project ${'0f'.repeat(16)} has no credit`, 'project … has no credit'],
  ])('holds no key of %s', (_, text, logged) => {
    expect(textForLog(text)).toBe(logged);
    expect(textForLog(text)).not.toContain(KEY);
  });

  it.each([
    'invalid_exact_evm_payload_authorization_value_mismatch: the amount is 10000, not 9999',
    `transaction 0x${'ab'.repeat(32)} reverted: FiatTokenV2: invalid signature`,
    'token: 0x036CbD53842c5426634e7929541eC2318f3dCF7e is not listed, and/or paused since 2026-01-02T03:04:05Z',
    'request 123e4567-e89b-12d3-a456-426614174000 took 12/15 s, see section 4.2',
    'insufficient funds for gas * price + value: balance 0, tx cost 2100000000000',
  ])('tells all of %s', (text) => {
    expect(textForLog(text)).toBe(text);
  });

  it('is one line, and bounded', () => {
    expect(textForLog('one\r\ntwo\u202e')).toBe('one two ');
    expect(textForLog('no '.repeat(5000))).toHaveLength(300);
    const started = performance.now();
    for (const hostile of ['a.', 'a-', '/a', 'key', 'token:', '//']) textForLog(hostile.repeat(500_000));
    expect(performance.now() - started).toBeLessThan(2_000);
  });
});

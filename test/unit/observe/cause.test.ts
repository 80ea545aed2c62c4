import { BaseError, HttpRequestError } from 'viem';
import { describe, expect, it } from 'vitest';
import { GatewayError } from '../../../src/domain/gateway-error.ts';
import { describeCause } from '../../../src/observe/cause.ts';

const SIGNATURE = 'ab'.repeat(65);

describe('the cause in the log', () => {
  it('tells what a chain node did, and neither its URL nor the signed call', () => {
    const url = 'https://user:pass@rpc.example/v2/SECRETKEY?apikey=SECRETQ';
    const http = new HttpRequestError({ url, status: 429, body: { data: `0xe3ee160e${SIGNATURE}` } });
    const text = describeCause(new GatewayError('facilitator_unreachable', { cause: http }));
    expect(text).toContain('No facilitator could be reached.');
    expect(text).toContain('429');
    expect(text).not.toMatch(/SECRET|apikey|user|pass|abab/);
  });

  it('hides secrets that a library put into its message', () => {
    const text = describeCause(new Error(`POST postgres://u:secret@db.example/books?x=1 with 0x${SIGNATURE} failed`));
    expect(text).toContain('postgres://db.example with 0x… failed');
    expect(text).not.toMatch(/secret|books|abab/);
  });

  it('keeps a transaction hash, and cuts what is very long', () => {
    const hash = `0x${'cd'.repeat(32)}`;
    expect(describeCause(Object.assign(new Error(`lost ${hash}`), { code: 'E' }))).toBe(`lost ${hash} (E)`);
    expect(describeCause(new BaseError('x y '.repeat(5000)))?.length).toBeLessThanOrEqual(2000);
  });

  it('is empty for a value that is no error', () => {
    for (const thrown of [undefined, 'text', { payment: SIGNATURE }]) expect(describeCause(thrown)).toBeUndefined();
  });
});

import { describe, expect, it } from 'vitest';
import { clientId } from '../../../src/mcp/body-changes.ts';
import { paidId } from '../../../src/mcp/message.ts';

const SERVER = paidId('a');
const event = (message: object): string =>
  `event: message\ndata: ${JSON.stringify({ jsonrpc: '2.0', ...message })}\n\n`;
const PROGRESS = event({ method: 'notifications/progress', params: { progress: 1 } });
const RESULT = event({ id: SERVER, result: { content: [{ type: 'text', text: 'é' }] } });

function stream() {
  return clientId('stream', { client: 7, server: SERVER, receipts: ['x402/payment-response'] });
}

const text = (parts: readonly Buffer[]): string => Buffer.concat(parts).toString('utf8');

describe('the stream of a call that a pass opened', () => {
  it('holds nothing back: its result goes out as it comes, under the id of its client', () => {
    const change = stream();
    expect(text(change.pass(Buffer.from(PROGRESS)))).toBe(PROGRESS);
    expect(text(change.pass(Buffer.from(RESULT)))).toBe(RESULT.replace(`"${SERVER}"`, '7'));
    expect(text(change.end())).toBe('');
  });

  it('brings no result of another call, and no second one', () => {
    const change = stream();
    const others = [event({ id: paidId('b'), result: {} }), event({ id: 7, result: { forged: true } })];
    expect(text(change.pass(Buffer.from(others[0] + RESULT + others[1] + RESULT)))).toBe(
      RESULT.replace(`"${SERVER}"`, '7'),
    );
  });

  it.each([1, 2, 3, 1000])('has its answer behind a byte order mark, in pieces of %d bytes', (size) => {
    const change = stream();
    const bytes = Buffer.from(`\ufeff${event({ id: paidId('b'), result: {} })}${RESULT}`);
    const out: Buffer[] = [];
    for (let at = 0; at < bytes.length; at += size) out.push(...change.pass(bytes.subarray(at, at + size)));
    expect(text(out)).toBe(RESULT.replace(`"${SERVER}"`, '7'));
    expect(text(change.end())).toBe('');
  });

  it('reports a missing answer, and ends at an answer that is too large', () => {
    const change = stream();
    change.pass(Buffer.from(PROGRESS));
    expect(text(change.end())).toContain('did not answer');
    expect(() => stream().pass(Buffer.from(`data: ${'x'.repeat(9 * 1024 * 1024)}`))).toThrow('too large');
  });
});

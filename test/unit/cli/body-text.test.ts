import { describe, expect, it } from 'vitest';
import { bodyText } from '../../../src/cli/mcp/body-text.ts';

const PICTURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0xff, 0x00]);
const LARGEST = 1024 * 1024;

function answer(type: string | undefined, body: string | Uint8Array<ArrayBuffer>): Response {
  const response = new Response(body);
  response.headers.delete('content-type');
  if (type !== undefined) response.headers.set('content-type', type);
  return response;
}

describe('The body of an answer, for an agent', () => {
  it.each([
    'application/json',
    'application/json; charset=utf-8',
    'application/problem+json',
    'application/x-ndjson',
    'application/jsonl; charset=utf-8',
    'application/yaml',
    'text/event-stream',
    undefined,
  ])('is text as %s', async (type) => {
    expect(await bodyText(answer(type, '{"a":"ö"}\n'))).toBe('{"a":"ö"}\n');
  });

  it.each([
    'image/png',
    'application/octet-stream',
    'application/jsonpath',
    undefined,
  ])('is base64 as %s, where it is no text', async (type) => {
    expect(await bodyText(answer(type, PICTURE))).toBe(`base64: ${PICTURE.toString('base64')}`);
  });

  it('is nothing where there is none', async () => {
    expect(await bodyText(new Response(null, { status: 204 }))).toBe('');
    expect(await bodyText(answer('image/png', ''))).toBe('');
  });

  it('is cut where it is too long, in the form that it has', async () => {
    const [text, picture] = [Buffer.alloc(LARGEST + 1, 'a'), Buffer.alloc(LARGEST + 1, 0xff)];
    expect(await bodyText(answer('text/plain', text))).toBe(`${'a'.repeat(LARGEST)}\n… ${LARGEST + 1} bytes in all`);
    const told = await bodyText(answer('image/png', picture));
    expect(told).toMatch(/^base64: \/{1000}/);
    expect(told).not.toContain('\u{fffd}');
    expect(told.endsWith(`… ${LARGEST + 1} bytes in all`)).toBe(true);
  });
});

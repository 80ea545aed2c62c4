import { describe, expect, it } from 'vitest';
import { BodyDigest } from '../../../src/pipeline/body-digest.ts';
import { BodyRoom } from '../../../src/pipeline/limits/body-room.ts';
import { GrowingBuffer } from '../../../src/proxy/growing-buffer.ts';
import { withLengthOf } from '../../../src/proxy/headers/to-upstream.ts';
import { bodyOfBytes } from '../../../src/proxy/kept-body.ts';
import type { Upload } from '../../../src/proxy/request-body.ts';

async function bytesOf(upload: Upload | undefined): Promise<string> {
  let text = '';
  for await (const chunk of upload ?? []) text += chunk;
  return text;
}

describe('a body in memory', () => {
  it('is read, and sent byte for byte', async () => {
    const body = bodyOfBytes(Buffer.from('{"a":1}'));
    expect((await body.read(7)).toString()).toBe('{"a":1}');
    expect(await bytesOf(body.open(() => {}))).toBe('{"a":1}');
  });

  it('is refused where it is longer than may be read', async () => {
    await expect(bodyOfBytes(Buffer.from('12345678')).read(7)).rejects.toMatchObject({
      code: 'request_body_too_large',
    });
  });

  it('can be read synchronously, within the same bound', () => {
    const body = bodyOfBytes(Buffer.from('12345678'));
    expect(body.readArrived(8)).toBe(body.held);
    expect(() => body.readArrived(7)).toThrow(expect.objectContaining({ code: 'request_body_too_large' }));
  });

  it('can be replaced for the API, while a payment stays bound to the original', async () => {
    const body = bodyOfBytes(Buffer.from('sent'));
    body.replaceWith(Buffer.from('replaced'));
    expect(body.held?.toString()).toBe('sent');
    expect(new BodyDigest(body).value).toBe(new BodyDigest(bodyOfBytes(Buffer.from('sent'))).value);
    expect(await bytesOf(body.open(() => {}))).toBe('replaced');
  });

  it('can be replaced by nothing', async () => {
    const body = bodyOfBytes(Buffer.from('sent'));
    body.replaceWith(Buffer.alloc(0));
    expect(body.open(() => {})).toBeUndefined();
    const chunked = bodyOfBytes(Buffer.from('sent'), 'chunked');
    chunked.replaceWith(Buffer.alloc(0));
    expect(await bytesOf(chunked.open(() => {}))).toBe('');
  });

  it('has a digest before it is sent, the same as one that passes through', () => {
    const passing = new BodyDigest({ held: undefined });
    passing.see(Buffer.from('he'));
    passing.see(Buffer.from('llo'));
    expect(passing.value).toBeUndefined();
    expect(passing.mayEnd()).toBe(true);
    expect(new BodyDigest(bodyOfBytes(Buffer.from('hello'))).value).toBe(passing.value);
    expect(new BodyDigest(bodyOfBytes(Buffer.from('hello')), passing.value).matches).toBe(true);
    expect(new BodyDigest(bodyOfBytes(Buffer.from('hellO')), passing.value).matches).toBe(false);
  });
});

describe('the length of a replaced body', () => {
  it('is put right in whatever case the header came, and not added where there was none', () => {
    const replacement = Buffer.from('12345');
    expect(withLengthOf(replacement, ['Host', 'a', 'CONTENT-Length', '3'])).toEqual([
      'Host',
      'a',
      'CONTENT-Length',
      '5',
    ]);
    expect(withLengthOf(replacement, ['Host', 'a'])).toEqual(['Host', 'a']);
    expect(withLengthOf(undefined, ['Content-Length', '3'])).toEqual(['Content-Length', '3']);
  });
});

describe('memory for a body', () => {
  it('is counted as allocated, not as received, and never exceeds the limit of a body', () => {
    const asked: number[] = [];
    const buffer = new GrowingBuffer(10_000, { take: (bytes) => asked.push(bytes) > 0 });
    for (let index = 0; index < 10_000; index += 1) buffer.append(Buffer.from([index % 256]));
    expect(asked).toEqual([4096, 4096, 1808]);
    expect(buffer.bytes.length).toBe(10_000);
    expect(buffer.bytes.every((byte, index) => byte === index % 256)).toBe(true);
  });

  it('is the piece itself when a body is one piece with memory of its own', () => {
    const asked: number[] = [];
    const buffer = new GrowingBuffer(10_000, { take: (bytes) => asked.push(bytes) > 0 });
    const own = Buffer.allocUnsafeSlow(3).fill('abc');
    buffer.append(own);
    expect([buffer.bytes.buffer === own.buffer, asked]).toEqual([true, [4096]]);
    buffer.append(Buffer.from('def'));
    expect([buffer.bytes.toString(), asked]).toEqual(['abcdef', [4096]]);
    const part = new GrowingBuffer(10_000, { take: () => true });
    part.append(own.subarray(0, 2));
    expect(part.bytes.buffer === own.buffer).toBe(false);
  });

  it('does not keep a piece for which there is no room', () => {
    const buffer = new GrowingBuffer(10_000, { take: (bytes) => bytes <= 4096 });
    expect(buffer.append(Buffer.alloc(4096))).toBe(true);
    expect(buffer.append(Buffer.alloc(5000))).toBe(false);
    expect(buffer.bytes.length).toBe(4096);
  });
});

describe('the room that bodies share', () => {
  it('is bounded over all clients, and each gets a quarter of it', () => {
    const room = new BodyRoom();
    expect(room.hold(400, 'a').take(101)).toBe(false);
    const holds = ['a', 'b', 'c', 'd'].map((client) => room.hold(400, client));
    expect(holds.map((hold) => hold.take(100))).toEqual([true, true, true, true]);
    expect(room.hold(400, 'a').take(1)).toBe(false);
    expect(room.hold(400, 'e').take(1)).toBe(false);
    holds[0]?.release();
    expect(room.hold(400, 'e').take(100)).toBe(true);
    expect(room.hold(400, 'a').take(1)).toBe(false);
  });

  it('is given back once, and a hold that was given back takes no more', () => {
    const room = new BodyRoom();
    const [first, second] = [room.hold(400, 'a'), room.hold(400, 'a')];
    first.take(40);
    second.take(40);
    first.release();
    first.release();
    expect(room.held).toBe(40);
    expect(first.take(1)).toBe(false);
    expect(second.take(60)).toBe(true);
    second.release();
    expect(room.held).toBe(0);
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EventSplitter, splitEvents, withData } from '../../../src/mcp/event-stream.ts';

/** Splits a text into pieces at these places. */
function cut(text: string, places: readonly number[]): string[] {
  const at = [...new Set(places.map((place) => place % (text.length + 1)))].sort((a, b) => a - b);
  return [...at, text.length].map((end, index) => text.slice(at[index - 1] ?? 0, end));
}

describe('an event stream', () => {
  it('has the same events in whatever pieces it comes', () => {
    const line = fc.constantFrom('data: a', 'data:b', 'id: 1', ': ping', 'event: x', '');
    // A `\r` at the end of a piece ends a line; whether a `\n` follows is not known yet.
    const text = fc.array(fc.tuple(line, fc.constantFrom('\n', '\r\n')), { maxLength: 30 });
    fc.assert(
      fc.property(text, fc.array(fc.nat(200), { maxLength: 8 }), (lines, places) => {
        const whole = lines.map(([content, end]) => content + end).join('');
        const splitter = new EventSplitter();
        const events = cut(whole, places).flatMap((piece) => splitter.push(piece));
        const data = (all: readonly { data: string | undefined }[]) => all.flatMap((event) => event.data ?? []);
        expect(data(events)).toEqual(data(splitEvents(whole).events));
        expect(events.map(({ raw }) => raw).join('') + splitter.rest).toBe(whole);
        expect(splitter.length).toBe(splitter.rest.length);
      }),
      { numRuns: 500 },
    );
  });

  it('is looked at once, however many pieces an event comes in', () => {
    const splitter = new EventSplitter();
    const pieces = 4096;
    let seen = 0;
    const exec = RegExp.prototype.exec;
    RegExp.prototype.exec = function counted(text: string) {
      seen += text.length;
      return exec.call(this, text);
    };
    try {
      for (let piece = 0; piece < pieces; piece++) splitter.push('data: 0123456789');
    } finally {
      RegExp.prototype.exec = exec;
    }
    // Each piece, and the three characters before it.
    expect(seen).toBeGreaterThan(0);
    expect(seen).toBeLessThan(pieces * 20);
    expect(splitter.length).toBe(pieces * 16);
  });

  it.each([
    'utf8',
    'latin1',
  ] as const)('has its data behind a byte order mark, which may come in pieces: %s', (encoding) => {
    const bytes = Buffer.from('\ufeffdata: a\n\ndata: b\n\n');
    for (let at = 0; at <= bytes.length; at++) {
      // UTF-8 text comes whole: its readers decode the whole body.
      const pieces = encoding === 'utf8' ? [bytes] : [bytes.subarray(0, at), bytes.subarray(at)];
      const splitter = new EventSplitter();
      const events = pieces.flatMap((piece) => splitter.push(piece.toString(encoding)));
      expect(events.map(({ data, isPlain }) => [data, isPlain])).toEqual([
        ['a', true],
        ['b', true],
      ]);
    }
  });

  it.each([
    ['a comment and fields of the standard', ': hi\nid: 1\nevent: message\nretry: 9\ndata: a\n\n', true],
    ['a mark before a comment', '\ufeff: hi\n\n', true],
    ['a mark alone', '\ufeff\n\n', true],
    ['a field of another name', 'note: a\n\n', false],
    ['a field in another case', 'Data: a\n\n', false],
    ['a blank before a field', ' data: a\n\n', false],
    ['a blank behind the name', 'data : a\n\n', false],
    ['a NUL before a field', '\u0000data: a\n\n', false],
  ])('is read by all readers alike only with the lines of the standard: %s', (_, text, isPlain) => {
    expect(splitEvents(text).events.map((event) => event.isPlain)).toEqual([isPlain]);
  });

  it('keeps id, name and retry of an event that gets other data, and nothing that a lax reader takes for data', () => {
    const [event] = splitEvents('id: 1\nevent: message\n: hi\nDATA: old\n data: old\nretry: 9\ndata: old\n\n').events;
    if (event === undefined) throw new Error('no event');
    expect(withData(event, 'new')).toBe('id: 1\nevent: message\n: hi\nretry: 9\ndata: new\n\n');
  });
});

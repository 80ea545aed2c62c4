import { describe, expect, it } from 'vitest';
import { pricesInTools } from '../../../src/mcp/body-changes.ts';
import { KnownTools } from '../../../src/mcp/known-tools.ts';
import { paidId } from '../../../src/mcp/message.ts';
import type { ToolNotes } from '../../../src/mcp/tool-list.ts';

/** What was asked and told of tools. */
interface Watched extends ToolNotes {
  readonly asked: string[];
  readonly told: [tool: string, hasOutputSchema: boolean][];
}

function newNotes(): Watched {
  const [asked, told]: [string[], [string, boolean][]] = [[], []];
  return {
    asked,
    told,
    priceOf(tool) {
      asked.push(tool);
      return tool === 'search' ? { text: '0.01 USDC', accepts: [{ scheme: 'exact' }] } : undefined;
    },
    inDescription: true,
    known: new KnownTools(),
    seen: (tool, hasOutputSchema) => told.push([tool, hasOutputSchema]),
  };
}

const TOOLS = JSON.stringify([
  { name: 'search', description: 'é', outputSchema: {} },
  { name: 'free', description: 'Lists your tasks.', text: '\\"tools"' },
]);

type Body = readonly [text: string, isStream: boolean];

/** What goes out of a body that comes in pieces of so many bytes. */
function through([text, isStream]: Body, notes: ToolNotes, size = 100_000): string {
  const change = pricesInTools(isStream ? 'stream' : 'json', notes, 1);
  const bytes = Buffer.from(text);
  const out: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += size) out.push(...change.pass(bytes.subarray(at, at + size)));
  return Buffer.concat([...out, ...change.end()]).toString();
}

describe('a list of tools that was read before', () => {
  const LISTS: readonly Body[] = [
    [`{"jsonrpc":"2.0","id":1,"result":{"tools":${TOOLS}}}`, false],
    [`{"result":{"nextCursor":"a","tools":${TOOLS},"x":1},"id":"b","jsonrpc":"2.0"}`, false],
    [`: ping\n\nid: 7\ndata: {"result":{"tools":${TOOLS}},"id":3}\n\n`, true],
  ];
  const OTHERS: readonly Body[] = [
    // Not the list of an answer, though it is the same text.
    [`{"id":1,"result":{"content":{"tools":${TOOLS}}}}`, false],
    [`{"id":1,"result":{"tools":${TOOLS},"tools":[]}}`, false],
    [`{"id":1,"result":{"tools":${TOOLS.slice(0, -1)},{}]}}`, false],
    [`{"id":1,"result":{"tools":${TOOLS}},"more":"${'x'.repeat(5000)}"}`, false],
    [`{"more":"${'x'.repeat(5000)}","id":1,"result":{"tools":${TOOLS}}}`, false],
    [`data: {"id":1,"result":{"content":{"tools":${TOOLS}}}}\n\n`, true],
  ];

  it.each([1, 7, 64, 100, 100_000])('is sent as before, whatever surrounds it, in pieces of %i bytes', (size) => {
    const known = newNotes();
    for (const body of LISTS) {
      const once = through(body, newNotes(), size);
      expect(once).toContain('x402/price');
      expect([through(body, known, size), through(body, known, size)]).toEqual([once, once]);
    }
    for (const body of OTHERS) expect(through(body, known, size)).toBe(through(body, newNotes(), size));
  });

  it('is not read again, but its output schemas are reported again', () => {
    const notes = newNotes();
    for (const body of LISTS) through(body, notes);
    expect(notes.asked).toEqual(['search', 'free']);
    notes.told.length = 0;
    for (const body of LISTS) through(body, notes);
    expect(notes.told).toEqual(LISTS.map(() => ['search', true]));
  });

  it.each([
    ['the answer to a priced call', `{"id":"${paidId('a')}","result":{"tools":${TOOLS}}}`],
    ['the answer to a priced call, its id behind', `{"result":{"tools":${TOOLS}},"id":"${paidId('a')}"}`],
    ['news of a task', `{"method":"notifications/tasks/status","result":{"tools":${TOOLS}}}`],
  ])('is withheld in %s', (_, text) => {
    const notes = newNotes();
    for (const body of LISTS) through(body, notes);
    expect(JSON.parse(through([text, false], notes))).toMatchObject({ id: 1, error: { code: -32603 } });
    expect(through([`data: ${text}\n\n`, true], notes)).toBe('');
  });

  it('is found among several that begin alike, the last one first', () => {
    const notes = newNotes();
    const page = (last: string): Body => [
      `{"id":1,"result":{"tools":${TOOLS.slice(0, -1)},{"name":"${last}"}]}}`,
      false,
    ];
    const pages = ['a', 'b', 'c'].map(page);
    const first = pages.map((body) => through(body, notes));
    const asked = notes.asked.length;
    expect([...pages, ...pages].map((body) => through(body, notes))).toEqual([...first, ...first]);
    expect(notes.asked).toHaveLength(asked);
  });

  it('is read anew in an event of several lines', () => {
    const notes = newNotes();
    const pretty = JSON.stringify(JSON.parse(TOOLS), undefined, 1);
    through([`{"id":1,"result":{"tools":${pretty}}}`, false], notes);
    const event: Body = [`data: {"id":1,"result":{"tools":${pretty.replaceAll('\n', '\ndata: ')}}}\n\n`, true];
    expect(through(event, notes)).toBe(through(event, newNotes()));
    // Lines without the field's name are no part of the event.
    const broken: Body = [`data: {"id":1,"result":{"tools":${pretty}}}\n\n`, true];
    expect(through(broken, notes)).toBe(through(broken, newNotes()));
  });
});

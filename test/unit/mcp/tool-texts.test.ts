import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toolTextsIn } from '../../../src/mcp/tool-texts.ts';

const list = (tools: readonly unknown[], rest: object = {}): string =>
  JSON.stringify({ jsonrpc: '2.0', id: 1, result: { tools, ...rest } });

describe('the tools of a list, found in its text', () => {
  it('are those that a parser finds, whatever stands in them and however it is spaced', () => {
    const value = fc.jsonValue({ maxDepth: 4 });
    fc.assert(
      fc.property(fc.array(value, { maxLength: 5 }), fc.constantFrom(undefined, 1, '\t', '\r\n '), (tools, space) => {
        const text = JSON.stringify({ id: 1, result: { tools } }, undefined, space);
        const found = toolTextsIn(text);
        expect(found?.tools.map((tool) => JSON.parse(tool))).toEqual(JSON.parse(JSON.stringify(tools)));
        expect(JSON.parse(text.slice(0, found?.from) + (found?.tools.join(',') ?? '') + text.slice(found?.to))).toEqual(
          JSON.parse(text),
        );
      }),
    );
  });

  it('are found after a cursor and before it', () => {
    expect(toolTextsIn('{"result":{"nextCursor":"a","tools":[{"name":"x"}]},"id":1}')?.tools).toEqual(['{"name":"x"}']);
    expect(toolTextsIn(list([{ name: 'x' }], { nextCursor: 'a' }))?.tools).toEqual(['{"name":"x"}']);
  });

  it.each([
    ['is no object', '[]'],
    ['has no result', '{"id":1,"error":{"tools":[]}}'],
    ['has tools elsewhere', '{"result":{"content":{"tools":[]}}}'],
    ['has a result twice', '{"result":{"tools":[]},"result":{"tools":[1]}}'],
    ['has tools twice', '{"result":{"tools":[1],"tools":[2]}}'],
    ['has an escaped name', '{"result":{"t\\u006fols":[1]}}'],
    ['has an escaped name behind it', '{"result":{"tools":[1],"t\\u006fols":[2]}}'],
    ['ends in the middle', '{"result":{"tools":[{"name":"x"'],
    ['ends in a text', '{"result":{"tools":["x'],
    ['has an empty place', '{"result":{"tools":[1,,2]}}'],
    ['is empty', ''],
  ])('are not looked for in a text that %s', (_, text) => {
    expect(toolTextsIn(text)).toBeUndefined();
  });
});

import { describe, expect, it } from 'vitest';
import { askingForJson } from '../../../../src/proxy/headers/accept-json.ts';

function acceptOf(...values: readonly string[]): readonly string[] {
  const headers = askingForJson(['Host', 'a', ...values.flatMap((value) => ['Accept', value])]);
  return headers.filter((_, index) => headers[index - 1] === 'Accept');
}

describe('A request whose answer is read as JSON asks', () => {
  it.each([
    ['*/*', '*/*'],
    ['application/json', 'application/json'],
    ['application/json, text/plain, */*', 'application/json, */*;q=0.1'],
    ['text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8', '*/*'],
    ['text/csv', 'application/json'],
    ['application/xml, application/json;q=0.1', 'application/json'],
    ['application/json;q=0, */*', '*/*'],
    ['application/json; q=0.00, text/xml', 'application/json'],
    ['application/*', '*/*'],
    ['application/vnd.api+json; profile="a,b", text/csv', 'application/vnd.api+json'],
    ['text/event-stream', 'text/event-stream'],
    ['application/json, text/event-stream', 'application/json, text/event-stream'],
    ['application/x-ndjson', 'application/x-ndjson'],
    ['json', 'application/json'],
  ])('for %s with %s', (given, sent) => expect(acceptOf(given)).toEqual([sent]));

  it('once, whatever the spelling and number of its headers', () => {
    expect(acceptOf('text/csv', 'application/json')).toEqual(['application/json']);
    expect(askingForJson(['ACCEPT', 'text/csv', 'X-A', 'b'])).toEqual(['X-A', 'b', 'Accept', 'application/json']);
  });

  it('for nothing where its client does not', () => expect(acceptOf()).toEqual([]));
});

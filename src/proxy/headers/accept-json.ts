import { parseFieldList } from '../field-list.ts';
import { canonical } from './names.ts';

/** Media types of answers that are read: JSON, lines of it, and event streams. */
const READ = /^(?:[^;]*[/+]json|text\/event-stream|application\/(?:x-)?(?:ndjson|jsonl|jsonlines))$/i;
const ANY = /^(?:\*|application)\/\*$/;

/**
 * The headers with an `Accept` that leads to an answer which is read: an API that can write XML or CSV, too, would leave
 * out what the call used. Anything else than JSON is the last choice of a client that takes it, and none of others.
 */
export function askingForJson(headers: readonly string[]): readonly string[] {
  const out: string[] = [];
  const ranges: string[] = [];
  for (let index = 0; index + 1 < headers.length; index += 2) {
    const name = headers[index] ?? '';
    const value = headers[index + 1] ?? '';
    if (canonical(name.toLowerCase()) === 'accept') ranges.push(...parseFieldList(value));
    else out.push(name, value);
  }
  // Without the header an API answers in its own form.
  return ranges.length === 0 || ranges.every((range) => range === '*/*')
    ? headers
    : [...out, 'Accept', readableOf(ranges)];
}

function readableOf(ranges: readonly string[]): string {
  const wanted = ranges.filter((range) => !/;\s*q\s*=\s*0(?:\.0*)?\s*(?:;|$)/i.test(range)).map(typeOf);
  const read = wanted.filter((type) => READ.test(type));
  const any = wanted.some((type) => ANY.test(type));
  if (read.length === 0) return any ? '*/*' : 'application/json';
  return [...read, ...(any ? ['*/*;q=0.1'] : [])].join(', ');
}

/** Without parameters: a weight could make JSON the last choice. */
function typeOf(range: string): string {
  return (range.split(';', 1)[0] ?? '').trim().toLowerCase();
}

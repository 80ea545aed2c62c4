import { request } from 'undici';

/** What a side answered, as far as all sides of a suite have to agree. */
export type Answer = Readonly<Record<string, string>>;

/** Headers that tell when and for whom an answer was made; two servers cannot agree on them. */
const VOLATILE = new Set(['date', 'server', 'x-request-id']);

/** Asks a URL once: status, body, and the named headers, or all of them without the volatile ones. */
export async function probe(
  url: string,
  headers: Readonly<Record<string, string>> = {},
  compared?: readonly string[],
): Promise<Answer> {
  const response = await request(url, { headers });
  const body = await response.body.text();
  const taken = compared ?? Object.keys(response.headers).filter((name) => !VOLATILE.has(name));
  const fields = taken.toSorted().map((name) => [name, String(response.headers[name])]);
  return Object.fromEntries([['status', String(response.statusCode)], ...fields, ['body', body]]);
}

/** The headers that a proxy must not change. */
export const RELAYED = ['content-type', 'content-length'] as const;

/** @throws Error naming the first thing in which two answers differ */
export function requireSame(one: { name: string; answer: Answer }, other: { name: string; answer: Answer }): void {
  for (const key of new Set([...Object.keys(one.answer), ...Object.keys(other.answer)])) {
    if (one.answer[key] === other.answer[key]) continue;
    throw new Error(
      [
        `the sides do not do the same work: ${key} differs`,
        `  ${one.name}: ${one.answer[key]}`,
        `  ${other.name}: ${other.answer[key]}`,
      ].join('\n'),
    );
  }
}

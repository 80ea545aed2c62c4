import { isUtf8 } from 'node:buffer';

/** Longest answer that is handed to an agent, in bytes. */
const MOST_ANSWER = 1024 * 1024;

const TEXT =
  /^(?:text\/|application\/(?:(?:[^;]*\+)?(?:json|xml|yaml)|x-ndjson|ndjson|jsonl|json-seq|x-yaml|javascript|graphql|x-www-form-urlencoded)\s*(?:;|$))/i;

/** The body of an answer for an agent: text as it is, anything else in base64. */
export async function bodyText(response: Response): Promise<string> {
  const bytes = Buffer.from(await response.arrayBuffer());
  const type = response.headers.get('content-type') ?? '';
  const isText = type.trim() === '' ? isUtf8(bytes) : TEXT.test(type.trim());
  const shown = bytes.subarray(0, MOST_ANSWER);
  const text = isText || bytes.length === 0 ? shown.toString('utf8') : `base64: ${shown.toString('base64')}`;
  return bytes.length > MOST_ANSWER ? `${text}\n… ${bytes.length} bytes in all` : text;
}

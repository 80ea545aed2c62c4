import { readFileSync } from 'node:fs';
import { whyUnreadable } from '../../config/unreadable.ts';
import type { ApiDocument } from '../../domain/discovery.ts';
import { isLoopback } from '../../domain/loopback.ts';
import { MAX_DOCUMENT_CHARACTERS, parseApiDocument } from '../../openapi/document.ts';
import { CommandFailure, UsageError } from '../exit.ts';
import { faultText } from '../fault-text.ts';

/** Milliseconds that an API on this machine has to hand out its description. */
const FETCH_TIMEOUT_MS = 10_000;

/**
 * Reads an API description from a file, or from a URL of this machine.
 *
 * @throws UsageError for a file that cannot be read, a URL elsewhere, and text that is no API description
 * @throws CommandFailure when the API does not hand its description out
 */
export async function readApiDocument(source: string): Promise<ApiDocument> {
  const text = /^https?:\/\//i.test(source) ? await fetchText(source) : readText(source);
  const parsed = parseApiDocument(text);
  if (!parsed.ok)
    throw new UsageError(`${source} is not an API description: ${parsed.wrong}; right would be ${parsed.right}`);
  return parsed.value;
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (fault) {
    throw new UsageError(`cannot read ${file}: ${whyUnreadable(fault)}`);
  }
}

async function fetchText(source: string): Promise<string> {
  if (!URL.canParse(source) || !isLoopback(new URL(source).hostname)) {
    throw new UsageError(`${source} is not on this machine: download it, and give the file`);
  }
  try {
    const response = await fetch(source, { redirect: 'error', signal: AbortSignal.timeout(FETCH_TIMEOUT_MS) });
    if (!response.ok) throw new Error(`it answered ${response.status}`);
    return await readBounded(response);
  } catch (fault) {
    throw new CommandFailure(`cannot read ${source}: ${faultText(fault)}`);
  }
}

async function readBounded(response: Response): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk, { stream: true });
    if (text.length > MAX_DOCUMENT_CHARACTERS) throw new Error(`it is over ${MAX_DOCUMENT_CHARACTERS} characters`);
  }
  return text + decoder.decode();
}

import { isRecord, parseExactly } from '../domain/exact-json.ts';
import { GatewayError } from '../domain/gateway-error.ts';
import { JsonScanner } from './read/json-scanner.ts';
import { compileWanted } from './read/wanted.ts';

const READ = compileWanted(['/model', '/stream', '/stream_options', '/stream_options/include_usage', '/background']);

/**
 * What is sent in the place of a request's body so that its answer tells what was used: `stream_options.include_usage` in
 * a stream of OpenAI's Chat Completions. Numbers keep their text. `undefined` where nothing needs to change; a body that
 * is no JSON is left to the API.
 *
 * @throws GatewayError `request_unmetered` for a request that could be read in two ways, or whose usage would be told in
 *   the answer to another one
 */
export function askForUsage(path: string, body: Buffer): Buffer | undefined {
  const scanner = new JsonScanner(READ);
  scanner.push(body);
  const scanned = scanner.finish();
  if (scanned.kind === 'unreadable') {
    if (scanned.why === 'duplicate_key') throw unmetered('A member that decides the charge is there twice.');
    return undefined;
  }
  if (isTrue('/background')) throw unmetered('What a call in the background uses is told in no answer of its own.');
  if (!path.endsWith('/completions') || !isTrue('/stream') || isTrue('/stream_options/include_usage')) return undefined;
  const request = parseExactly(body.toString('utf8'));
  if (!isRecord(request)) return undefined;
  const options = request['stream_options'];
  const asked = { ...(isRecord(options) ? options : {}), include_usage: true };
  return Buffer.from(JSON.stringify({ ...request, stream_options: asked }), 'utf8');

  function isTrue(pointer: string): boolean {
    const fact = scanned.kind === 'read' ? scanned.facts.get(pointer) : undefined;
    return fact?.kind === 'boolean' && fact.value;
  }
}

function unmetered(detail: string): GatewayError {
  return new GatewayError('request_unmetered', { detail });
}

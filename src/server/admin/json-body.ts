import type { IncomingMessage } from 'node:http';
import { isJsonObject } from '../../domain/payment.ts';
import type { Json, JsonObject } from '../../domain/x402.ts';
import { AdminRefusal } from './admin-refusal.ts';

/** Largest body of a call, in bytes. */
const MOST_BYTES = 262_144;

/**
 * Reads the body of a call.
 *
 * @throws AdminRefusal for a body that is not a JSON object, or too large
 */
export async function readJsonBody(request: IncomingMessage): Promise<JsonObject> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    bytes += chunk.length;
    if (bytes > MOST_BYTES) throw new AdminRefusal('body_too_large', `a body has at most ${MOST_BYTES} bytes`);
    chunks.push(chunk);
  }
  const value = parse(Buffer.concat(chunks).toString('utf8'));
  if (!isJsonObject(value)) throw new AdminRefusal('bad_request', 'the body is no JSON object');
  return value;
}

function parse(text: string): Json | undefined {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

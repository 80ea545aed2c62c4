import { readFileSync } from 'node:fs';
import { isJsonObject } from '../domain/payment.ts';
import type { Json } from '../domain/x402.ts';

/** Two levels up from here both as `src/cli` and as `dist/cli`. */
const MANIFEST = new URL('../../package.json', import.meta.url);

/** The version of this package. */
export function readVersion(): string {
  const manifest: Json = JSON.parse(readFileSync(MANIFEST, 'utf8'));
  const version = isJsonObject(manifest) ? manifest['version'] : undefined;
  return typeof version === 'string' ? version : 'unknown';
}

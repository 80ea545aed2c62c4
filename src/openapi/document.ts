import { parse } from 'yaml';
import type { ApiDocument } from '../domain/discovery.ts';
import { isJsonObject } from '../domain/payment.ts';
import type { Parsed } from '../domain/price.ts';
import type { Json } from '../domain/x402.ts';
import { depthFault, treeFault } from './tree-fault.ts';

/** The largest description that is read, in characters: GitHub's has 14 million. */
export const MAX_DOCUMENT_CHARACTERS = 64 * 1024 * 1024;
/** Most values in it, with aliases written out: GitHub's has a million. */
const MAX_PARTS = 8_000_000;

const RIGHT = 'a document with `openapi: 3.x` or `swagger: "2.0"` and `paths`';

/**
 * Reads an API description from JSON or YAML. Never throws for what is in the text.
 *
 * @example
 * const document = parseApiDocument(readFileSync('openapi.yaml', 'utf8'));
 */
export function parseApiDocument(text: string): Parsed<ApiDocument> {
  if (text.length > MAX_DOCUMENT_CHARACTERS) {
    return refuse(`it has ${text.length} characters`, `at most ${MAX_DOCUMENT_CHARACTERS} characters`);
  }
  const value = readTree(text.replace(/^\uFEFF/, ''));
  if (!value.ok) return value;
  const root = value.value;
  if (!isJsonObject(root)) return refuse('it is not a map', RIGHT);
  const { openapi, swagger } = root;
  if (swagger === '2.0' || swagger === 2) return { ok: true, value: { root, dialect: 'swagger2', version: '2.0' } };
  if (typeof openapi === 'string' && /^3\.[012](\.|$)/.test(openapi)) {
    return { ok: true, value: { root, dialect: 'openapi3', version: openapi } };
  }
  const stated = openapi ?? swagger;
  return refuse(
    stated === undefined ? 'it states no version' : `its version ${JSON.stringify(stated)} is not known`,
    RIGHT,
  );
}

function readTree(text: string): Parsed<Json> {
  let value: Json;
  try {
    // JSON first: it is YAML too, but reads a hundred times as fast.
    value = JSON.parse(text);
  } catch {
    return readYaml(text);
  }
  return walkable(value, depthFault(value));
}

function walkable(value: Json, fault: string | undefined): Parsed<Json> {
  return fault === undefined ? { ok: true, value } : refuse(fault, 'a description that can be written out in full');
}

function readYaml(text: string): Parsed<Json> {
  try {
    const value: Json = parse(text, { schema: 'core', maxAliasCount: 1000, uniqueKeys: false, logLevel: 'error' });
    return walkable(value, treeFault(value, MAX_PARTS));
  } catch (fault) {
    const said = fault instanceof Error ? (fault.message.split('\n')[0] ?? '').replace(/:$/, '') : String(fault);
    if (said.includes('call stack')) return refuse('it is nested too deeply', RIGHT);
    return refuse(`it is neither JSON nor YAML: ${said}`, RIGHT);
  }
}

function refuse(wrong: string, right: string): { ok: false; wrong: string; right: string } {
  return { ok: false, wrong, right };
}

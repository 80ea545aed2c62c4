import { createHash, createPublicKey } from 'node:crypto';
import type { AgentAlgorithm, AgentKey, KnownAgent } from '../domain/known-agent.ts';
import { isJsonObject } from '../domain/payment.ts';
import type { Parsed } from '../domain/price.ts';
import type { Json, JsonObject } from '../domain/x402.ts';
import { complete, type Decoder, type Field, map, soundValue } from './decoder.ts';
import { byKind, list } from './forms.ts';
import { jsonMap } from './json-value.ts';
import type { Place, Source } from './source.ts';
import { text } from './text.ts';
import { parseHttpUrl, URL_PATTERN } from './url.ts';

const ORIGIN_RIGHT = 'the origin that stands in its Signature-Agent, such as https://agent.example';
const KEYS_RIGHT = `its key directory, such as \${file:/run/agents/example.json}: {"keys": [{"kty": "OKP", "crv": "Ed25519", "x": …}]}`;
/** Shorter moduli can be factored. */
const LEAST_RSA_BITS = 2048;

const origin: Decoder<string> = text({
  expects: ORIGIN_RIGHT,
  pattern: URL_PATTERN,
  parse: (given): Parsed<string> => {
    const parsed = parseHttpUrl(given, { path: false, right: ORIGIN_RIGHT });
    return parsed.ok ? { ok: true, value: parsed.value.origin } : parsed;
  },
});

const directoryText: Decoder<JsonObject> = text({
  expects: KEYS_RIGHT,
  multiline: true,
  secret: 'parser',
  parse: (given): Parsed<JsonObject> => {
    const value = parseJson(given);
    return value !== undefined && isJsonObject(value)
      ? { ok: true, value }
      : { ok: false, wrong: 'the key directory is no JSON object', right: KEYS_RIGHT };
  },
});

function parseJson(given: string): Json | undefined {
  try {
    return JSON.parse(given) as Json;
  } catch {
    return undefined;
  }
}

const directory: Decoder<JsonObject> = byKind<JsonObject>(KEYS_RIGHT, {
  scalar: directoryText,
  map: jsonMap(KEYS_RIGHT),
});

/** The keys of an agent in `agents`. */
export const knownAgentKeys = map('a map with agent and keys', {
  agent: {
    decoder: origin,
    required: true,
    description: 'The origin by which it names itself in `Signature-Agent`.',
    examples: ['https://agent.example'],
  },
  keys: {
    decoder: directory,
    required: true,
    description:
      'Its public keys, as the directory at `/.well-known/http-message-signatures-directory` of its origin has them: a JWK set with Ed25519 or RSA (PS512) keys. It is never fetched: copy it, and copy it anew when the agent has new keys.',
    examples: [`\${file:/run/agents/example.json}`],
  },
});

const agent: Decoder<KnownAgent> = complete(knownAgentKeys, ({ agent: named, keys }, place, source) => {
  const found = readKeys(keys, place, source);
  return found && { origin: named, keys: found };
});

/** Agents whose signatures are checked. */
export const knownAgents = list(agent, 'a list of agents with their keys', 1);

/** Checks the agents against each other: a signature must identify its agent. */
export function checkAgents(agents: Field<readonly Field<KnownAgent>[]>, source: Source): void {
  const origins = new Set<string>();
  const ids = new Set<string>();
  for (const field of soundValue(agents) ?? []) {
    if (field.kind !== 'value') continue;
    const { origin: named, keys } = field.value;
    if (origins.has(named)) source.report(field.place, `the agent ${named} is there twice`, 'all of its keys in one');
    else if (keys.some(({ id }) => ids.has(id)))
      source.report(field.place, 'another agent has one of its keys', 'keys that nobody else signs with');
    origins.add(named);
    for (const { id } of keys) ids.add(id);
  }
}

function readKeys({ keys }: JsonObject, place: Place, source: Source): readonly AgentKey[] | undefined {
  const refuse = (wrong: string): undefined => void source.report(place, wrong, KEYS_RIGHT);
  if (!Array.isArray(keys)) return refuse('the key directory has no list of keys');
  const found: AgentKey[] = [];
  for (const [index, jwk] of keys.entries()) {
    if (!isJsonObject(jwk)) return refuse(`key ${index + 1} is no JWK`);
    // Named by its place alone: a message must not show it.
    if (jwk['d'] !== undefined) return refuse(`key ${index + 1} is a private one, which only its agent may have`);
    const algorithm = algorithmOf(jwk);
    if (algorithm === undefined) {
      source.warn(
        place,
        `key ${index + 1} is neither Ed25519 nor RSA for PS512: nothing is checked with it`,
        KEYS_RIGHT,
      );
      continue;
    }
    const key = readKey(jwk, algorithm);
    if (key === undefined)
      return refuse(`key ${index + 1} cannot be used as it stands, or has under ${LEAST_RSA_BITS} bits`);
    if (found.some(({ id }) => id === key.id)) return refuse(`key ${index + 1} is there twice`);
    found.push(key);
  }
  return found.length > 0 ? found : refuse('the key directory has no key that signatures are checked with');
}

function algorithmOf({ kty, crv, alg }: JsonObject): AgentAlgorithm | undefined {
  if (kty === 'OKP') return crv === 'Ed25519' ? 'ed25519' : undefined;
  return kty === 'RSA' && (alg === 'PS512' || alg === undefined) ? 'rsa-pss-sha512' : undefined;
}

function readKey(jwk: JsonObject, algorithm: AgentAlgorithm): AgentKey | undefined {
  // In the order of RFC 7638: what is hashed is this very object.
  const { crv, e, kty, n, x } = jwk;
  const own: JsonObject =
    algorithm === 'ed25519'
      ? { crv: crv ?? '', kty: kty ?? '', x: x ?? '' }
      : { e: e ?? '', kty: kty ?? '', n: n ?? '' };
  if (!isUsable(own, algorithm)) return undefined;
  const id = createHash('sha256').update(JSON.stringify(own)).digest('base64url');
  return { id, algorithm, jwk: own, notBefore: msOf(jwk['nbf']), notAfter: msOf(jwk['exp']) };
}

function isUsable(jwk: JsonObject, algorithm: AgentAlgorithm): boolean {
  try {
    const { asymmetricKeyDetails } = createPublicKey({ key: { ...jwk }, format: 'jwk' });
    return algorithm === 'ed25519' || (asymmetricKeyDetails?.modulusLength ?? 0) >= LEAST_RSA_BITS;
  } catch {
    return false;
  }
}

/** Seconds, as in a JWT. */
function msOf(seconds: Json | undefined): number | undefined {
  return typeof seconds === 'number' ? seconds * 1000 : undefined;
}

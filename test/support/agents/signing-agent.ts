import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';

/** An agent with an Ed25519 key of its own, which signs as the draft of Web Bot Auth says. */
export interface SigningAgent {
  readonly origin: string;
  /** Its key directory. */
  readonly directory: { readonly keys: readonly Readonly<Record<string, string>>[] };
  readonly keyid: string;
  readonly key: KeyObject;
}

export function newAgent(origin: string): SigningAgent {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const { x = '' } = publicKey.export({ format: 'jwk' });
  const keyid = createHash('sha256').update(`{"crv":"Ed25519","kty":"OKP","x":"${x}"}`).digest('base64url');
  return { origin, directory: { keys: [{ kty: 'OKP', crv: 'Ed25519', x }] }, keyid, key: privateKey };
}

/** What is signed; the texts stand in the signature base as they are. */
export interface Signing {
  /** Components with their values, in order: `'"@authority"': 'api.example.com'`. */
  readonly covers: Readonly<Record<string, string>>;
  /** Unix seconds. */
  readonly created: number;
  readonly expires: number;
  readonly tag?: string;
  readonly label?: string;
  /** More parameters, as they are written: `;alg="ed25519"`. */
  readonly more?: string;
}

/** The two fields of a signature. */
export function signatureOf(
  { key, keyid }: SigningAgent,
  { covers, created, expires, tag = 'web-bot-auth', label = 'sig1', more = '' }: Signing,
): Readonly<Record<'Signature-Input' | 'Signature', string>> {
  const parameters = `;created=${created};expires=${expires};keyid="${keyid}"${more};tag="${tag}"`;
  const input = `(${Object.keys(covers).join(' ')})${parameters}`;
  const lines = Object.entries(covers).map(([name, value]) => `${name}: ${value}`);
  const base = [...lines, `"@signature-params": ${input}`].join('\n');
  const signature = sign(null, Buffer.from(base, 'latin1'), key).toString('base64');
  return { 'Signature-Input': `${label}=${input}`, Signature: `${label}=:${signature}:` };
}

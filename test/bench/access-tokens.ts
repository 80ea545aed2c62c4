import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Pool } from 'undici';
import { loadConfig } from '../../src/config/load.ts';
import { paidPrices } from '../../src/domain/route-price.ts';
import { AccessTokens } from '../../src/pass/access-tokens.ts';
import { signingKeys } from '../../src/pass/token-keys.ts';
import { loadSchemes } from '../../src/registry.ts';
import { newPassId } from '../../src/store/new-pass-id.ts';
import type { GatewaySettings } from './gateway-config.ts';
import { PAYER } from './payment-signer.ts';

const HOUR_MS = 3_600_000;

/** Settings of a gateway with a secret of its own that sells passes for `/reports`. */
export function sellerOfPasses(): GatewaySettings {
  return {
    routes: '  - { path: /reports, price: $0.001, access: { for: 24h } }\n',
    keys: `publicUrl: https://api.example.com
accessTokens: { keys: ["${randomBytes(32).toString('base64url')}"] }\n`,
  };
}

/**
 * Writes access tokens, each of another pass, for the only route with `access` of a configuration file that has
 * `accessTokens.keys`: what its gateway would have written for so many buyers.
 */
export async function writeTokens(file: string, count: number): Promise<readonly string[]> {
  const readFile = (path: string): string => readFileSync(path, 'utf8');
  const loaded = loadConfig({ file, env: {}, readFile, schemes: await loadSchemes() });
  if (!loaded.ok) throw new Error(loaded.problems.map(({ keyPath, wrong }) => `${keyPath}: ${wrong}`).join('\n'));
  const terms = loaded.plan.routes.flatMap(paidPrices).find(({ access }) => access !== undefined)?.access?.terms;
  if (terms === undefined) throw new Error('no route sells passes');
  const tokens = new AccessTokens(signingKeys(loaded.plan.accessTokens.keys));
  const { scope, opens, version } = terms;
  const issuedAt = Date.now();
  const sold = { scope, opens, version, family: 'eip155', payer: PAYER.toLowerCase(), issuedAt };
  const ends = { expiresAt: issuedAt + HOUR_MS, quota: undefined, revokedAt: undefined };
  return Array.from({ length: count }, () => tokens.write({ id: newPassId(), ...sold, ...ends }));
}

/**
 * Calls a URL once with every token, so many at a time.
 *
 * @throws Error when one of them does not open it
 */
export async function bringEach(url: string, tokens: readonly string[], connections: number): Promise<void> {
  const { origin, pathname: path } = new URL(url);
  const pool = new Pool(origin, { connections, pipelining: 1 });
  const left = tokens[Symbol.iterator]();
  const caller = async (): Promise<void> => {
    for (const token of left) {
      const headers = { 'X402-Access-Token': token };
      const { statusCode, body } = await pool.request({ method: 'GET', path, headers });
      await body.dump();
      if (statusCode !== 200) throw new Error(`a token met ${statusCode}`);
    }
  };
  await Promise.all(Array.from({ length: connections }, caller));
  await pool.close();
}

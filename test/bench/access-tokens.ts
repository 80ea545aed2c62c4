import { readFileSync } from 'node:fs';
import { loadConfig } from '../../src/config/load.ts';
import { TokenDesk } from '../../src/pass/token-desk.ts';
import { signingKeys } from '../../src/pass/token-keys.ts';
import { loadSchemes } from '../../src/registry.ts';
import { newPassId } from '../../src/store/new-pass-id.ts';
import { PAYER } from './payment-signer.ts';

const HOUR_MS = 3_600_000;

/**
 * Writes access tokens, each of another pass, for the only route with `access` of a configuration file that has
 * `accessTokens.keys`: what its gateway would have written for so many buyers.
 */
export async function writeTokens(file: string, count: number): Promise<readonly string[]> {
  const readFile = (path: string): string => readFileSync(path, 'utf8');
  const loaded = loadConfig({ file, env: {}, readFile, schemes: await loadSchemes() });
  if (!loaded.ok) throw new Error(loaded.problems.map(({ keyPath, wrong }) => `${keyPath}: ${wrong}`).join('\n'));
  const terms = loaded.plan.routes.find(({ access }) => access !== undefined)?.access?.terms;
  if (terms === undefined) throw new Error('no route sells passes');
  const desk = new TokenDesk(signingKeys(loaded.plan.accessTokens.keys));
  const { scope, opens, version } = terms;
  const issuedAt = Date.now();
  const sold = { scope, opens, version, family: 'eip155', payer: PAYER.toLowerCase(), issuedAt };
  const ends = { expiresAt: issuedAt + HOUR_MS, quota: undefined, revokedAt: undefined };
  return Array.from({ length: count }, () => desk.write({ id: newPassId(), ...sold, ...ends }));
}

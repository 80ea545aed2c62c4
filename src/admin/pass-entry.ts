import { type Pass, passEnd } from '../domain/pass.ts';

/** A pass as JSON shows it. */
export type PassEntry = ReturnType<typeof describePass>;

/**
 * Describes a pass.
 *
 * @param now Unix milliseconds
 */
export function describePass(pass: Pass, now: number) {
  const { id, scope, family, payer, version, quota } = pass;
  return {
    id,
    scope,
    state: passEnd(pass, now) ?? 'good',
    family,
    payer,
    version,
    issuedAt: new Date(pass.issuedAt).toISOString(),
    expiresAt: timeOf(pass.expiresAt),
    revokedAt: timeOf(pass.revokedAt),
    bought: quota?.bought ?? null,
    available: quota?.available ?? null,
    lent: quota?.lent ?? null,
  };
}

function timeOf(ms: number | undefined): string | null {
  return ms === undefined ? null : new Date(ms).toISOString();
}

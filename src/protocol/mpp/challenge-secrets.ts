import { createHmac } from 'node:crypto';

/**
 * Derives the secrets that sign challenges from the configured secrets or the store's own. They are derived so that a
 * signature with the same secret for another purpose is worth nothing here.
 *
 * @param secrets base64url of at least 32 bytes each, newest first
 */
export function challengeSecrets(secrets: readonly string[]): readonly [Buffer, ...Buffer[]] {
  const [first, ...others] = secrets.map((secret) =>
    createHmac('sha256', Buffer.from(secret, 'base64url')).update('turnpike mpp secret v1').digest(),
  );
  if (first === undefined) throw new Error('there is no secret to sign challenges with');
  return [first, ...others];
}

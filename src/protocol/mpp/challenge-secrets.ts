import { createHmac } from 'node:crypto';

/**
 * The secrets that challenges are signed with, of configured ones or the store's own: derived, so that what is signed with
 * the same secret for another purpose is worth nothing here.
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

import { randomBytes } from 'node:crypto';
import type { PassId } from '../domain/pass.ts';

/**
 * A new pass id: 128 random bits, so that nobody guesses one and no two processes make the same. None begins with `-`,
 * which command lines take for an option.
 */
export function newPassId(): PassId {
  const id = randomBytes(16).toString('base64url');
  return id.startsWith('-') ? newPassId() : (id as PassId);
}

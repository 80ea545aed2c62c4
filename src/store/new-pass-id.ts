import { randomBytes } from 'node:crypto';
import type { PassId } from '../domain/pass.ts';

/**
 * A new pass id: 128 random bits, which cannot be guessed and do not repeat. None begins with `-`, which a command line
 * would take for an option.
 */
export function newPassId(): PassId {
  const id = randomBytes(16).toString('base64url');
  return id.startsWith('-') ? newPassId() : (id as PassId);
}

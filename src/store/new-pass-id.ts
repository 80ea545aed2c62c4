import { randomBytes } from 'node:crypto';
import type { PassId } from '../domain/pass.ts';

/** A new pass id: 128 random bits, so that nobody guesses one and no two processes make the same. */
export function newPassId(): PassId {
  return randomBytes(16).toString('base64url') as PassId;
}

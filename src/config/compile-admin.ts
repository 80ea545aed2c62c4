import { isLoopback } from '../domain/loopback.ts';
import type { ListenAddress, Plan } from '../domain/plan.ts';
import type { AdminDraft } from './admin-keys.ts';
import { type Field, soundValue } from './decoder.ts';
import type { Source } from './source.ts';

/** The parts of the plan for the admin listener. */
export type AdminPlan = Pick<Plan, 'admin' | 'adminHosts' | 'adminPage'>;

/**
 * Compiles `admin`. On an address that other machines can reach, the page would show every payment: there it needs a
 * token, and without one it is served on loopback only.
 */
export function compileAdmin(
  field: Field<AdminDraft | 'off'>,
  hosts: readonly string[],
  source: Source,
): AdminPlan | undefined {
  const given = soundValue(field);
  if (given === undefined) return undefined;
  if (given === 'off') return { admin: undefined, adminHosts: hosts, adminPage: undefined };
  const { listen, page, token } = given;
  const isSafe = token !== undefined || isLocal(listen);
  if (page === 'on' && !isSafe) {
    source.report(
      field.place,
      'the admin page is on without a token, on a listener that other machines can reach',
      'a token, an address such as 127.0.0.1:9402, or page: off',
    );
  }
  const isServed = page === 'off' ? false : isSafe;
  return {
    admin: listen,
    adminHosts: [...new Set([...hosts, ...given.hosts])],
    adminPage: isServed ? { token } : undefined,
  };
}

/** A unix socket is no browser's to ask, but that of whatever proxy stands before it. */
function isLocal(listen: ListenAddress): boolean {
  return listen.kind === 'tcp' && isLoopback(listen.host === '::1' ? '[::1]' : listen.host);
}

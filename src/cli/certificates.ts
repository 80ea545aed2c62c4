import { notice, type Terminal } from './terminal.ts';

/** By this variable Node takes any certificate for any name, on every connection of the process. */
const UNVERIFIED = 'NODE_TLS_REJECT_UNAUTHORIZED';

/**
 * Has certificates verified in any case, and says so: a facilitator, a node or a database that anybody can pretend to be
 * says of any payment that it was made.
 */
export function verifyCertificates(terminal: Terminal): void {
  if (terminal.env[UNVERIFIED] !== '0') return;
  // Node looks at it whenever it connects.
  Reflect.deleteProperty(terminal.env, UNVERIFIED);
  notice(
    terminal,
    `warning: ${UNVERIFIED}=0 is ignored, certificates are verified; name an authority of your own in NODE_EXTRA_CA_CERTS, or in tls.ca of an upstream`,
  );
}

import type { IncomingMessage } from 'node:http';
import type { Logger } from '../observe/log.ts';
import { readPeerAddress, type TrustedPeers } from '../proxy/trusted-peers.ts';

/** Ranges in which load balancers and sidecars are. A client elsewhere can write what it likes. */
const NEAR: ReadonlySet<string> = new Set(['private', 'loopback', 'linkLocal', 'uniqueLocal', 'carrierGradeNat']);

/**
 * Tells once of a proxy in front that is none of `trustedProxies`. Nothing fails, at first: its clients share one
 * client's connections, free requests and calls, and URLs name the proxy's own way to here.
 */
export class UnknownProxies {
  readonly #log: Logger;
  #isTold = false;

  constructor(log: Logger) {
    this.#log = log;
  }

  look({ headers, socket }: IncomingMessage, trusted: TrustedPeers): void {
    if (this.#isTold || (headers['x-forwarded-for'] ?? headers.forwarded) === undefined) return;
    const { remoteAddress: peer } = socket;
    if (trusted.has(peer)) return;
    const address = readPeerAddress(peer);
    if (address === undefined || !NEAR.has(address.range())) return;
    this.#isTold = true;
    this.#log.warn(
      { peer: address.toString() },
      'a proxy that is none of trustedProxies forwards requests: all of its clients count as one',
    );
  }
}

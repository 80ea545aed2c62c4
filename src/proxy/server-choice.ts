import type { ServerHealth } from './server-health.ts';

/** An entry that leads to one server. */
export interface Choosable {
  readonly health: ServerHealth;
}

const NONE: readonly never[] = [];

/**
 * Chooses among the servers of an upstream: the least busy one that is not left out; equally busy ones take turns. A
 * server whose pause is over gets one request as a trial. Where all are left out, the one whose pause ends first is
 * asked.
 */
export class ServerChoice<S extends Choosable> {
  readonly #servers: readonly S[];
  #turn = 0;

  constructor(servers: readonly S[]) {
    this.#servers = servers;
  }

  /**
   * The server for a request, or for one that must go elsewhere because it could not connect to those of `tried`.
   * `undefined` when none is left.
   */
  next(tried: readonly S[] = NONE): S | undefined {
    const servers = this.#servers;
    if (servers.length === 1) return tried.length === 0 ? servers[0] : undefined;
    this.#turn = (this.#turn + 1) % servers.length;
    let best: S | undefined;
    let leastBad: S | undefined;
    for (let i = 0; i < servers.length; i++) {
      const server = servers[(this.#turn + i) % servers.length];
      if (server === undefined || tried.includes(server)) continue;
      const { health } = server;
      if (!health.isOut) {
        if (best === undefined || health.busy < best.health.busy) best = server;
      } else if (tried.length === 0 && health.claimTrial()) return server;
      else if (leastBad === undefined || health.outUntil < leastBad.health.outUntil) leastBad = server;
    }
    return best ?? leastBad;
  }
}

import type { RpcId } from './message.ts';

/** A priced call that is at the server. */
export interface OpenCall {
  /** The id that the server knows. */
  readonly server: string;
  /** Ends it: its client does not wait for it any more. */
  cancel(): void;
}

/**
 * The priced calls of this process that are at their servers, by their clients' ids: a client cancels a call by its own
 * id, which the server does not know.
 */
export class OpenCalls {
  readonly #calls = new Map<string, OpenCall>();

  /** @param session the route and the id of the session; returns what removes the call */
  add(session: string, client: RpcId, call: OpenCall): () => void {
    const key = keyOf(session, client);
    this.#calls.set(key, call);
    return () => {
      if (this.#calls.get(key) === call) this.#calls.delete(key);
    };
  }

  /** The last call that a client made under this id. */
  of(session: string, client: RpcId): OpenCall | undefined {
    return this.#calls.get(keyOf(session, client));
  }
}

function keyOf(session: string, client: RpcId): string {
  return `${session}\n${JSON.stringify(client)}`;
}

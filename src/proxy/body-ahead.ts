import type { Collected } from './upstream-response.ts';

/** The beginning of a body that is read before it is relayed, up to a limit. */
export class BodyAhead {
  readonly chunks: Buffer[] = [];
  bytes = 0;
  readonly #most: number;
  readonly #collected = Promise.withResolvers<Collected>();

  /** @param most bytes that may be kept */
  constructor(most: number) {
    this.#most = most;
  }

  /** Resolves when reading ahead has come to an end. */
  get collected(): Promise<Collected> {
    return this.#collected.promise;
  }

  /** Takes a chunk; `false` when that was more than may be kept. */
  take(chunk: Buffer): boolean {
    this.chunks.push(chunk);
    this.bytes += chunk.length;
    return this.bytes <= this.#most;
  }

  /** Says what it came to; the first word holds. */
  end(kind: Collected['kind'], silent = false): void {
    switch (kind) {
      case 'whole':
        this.#collected.resolve({ kind, body: Buffer.concat(this.chunks) });
        return;
      case 'larger':
        this.#collected.resolve({ kind });
        return;
      case 'broke':
        this.#collected.resolve({ kind, silent });
    }
  }
}

import { hasCome } from '../store/upkeep.ts';

/**
 * Takings of which no reply came, such as at a failover of the database. One that was written after all has given its
 * rows to this process, which does not know of them, and no other process takes a row from a living one. This process
 * takes them again, by the `checkAt` that the taking gave them, once the lease has ended and no statement can be under
 * way any more.
 */
export class LostTakings {
  readonly #checkAts = new Set<number>();

  /** Whether a lost taking is to be taken again now. */
  isDue(now: number): boolean {
    return this.#dueAt(now) !== undefined;
  }

  /**
   * Takes rows, and those of a lost taking with them.
   *
   * @param take takes up to `limit` rows, which get `checkAt`
   */
  async take<Row>(
    take: (lost: number | undefined) => Promise<readonly Row[]>,
    now: number,
    { checkAt, limit }: { readonly checkAt: number; readonly limit: number },
  ): Promise<readonly Row[]> {
    const lost = this.#dueAt(now);
    let rows: readonly Row[];
    try {
      rows = await take(lost);
    } catch (fault) {
      this.#checkAts.add(checkAt);
      throw fault;
    }
    // As many as there may be: some of the lost ones may not be among them.
    if (lost !== undefined && rows.length < limit) this.#checkAts.delete(lost);
    return rows;
  }

  #dueAt(now: number): number | undefined {
    return [...this.#checkAts].find((at) => hasCome(at, now));
  }
}

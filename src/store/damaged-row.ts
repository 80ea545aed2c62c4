/** A row of a store does not hold what a gateway writes: the disk has damaged it, or somebody has. */
export class DamagedRow extends Error {
  override readonly name = 'DamagedRow';
  /** What cannot be read. */
  readonly column: string;

  constructor(column: string, options?: ErrorOptions) {
    super(`the ledger is damaged: a row's ${column} cannot be read`, options);
    this.column = column;
  }
}

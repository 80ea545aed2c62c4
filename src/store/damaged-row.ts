/** A row of a store holds something that no gateway wrote: the disk or somebody has damaged it. */
export class DamagedRow extends Error {
  override readonly name = 'DamagedRow';
  /** What cannot be read. */
  readonly column: string;

  constructor(column: string, options?: ErrorOptions) {
    super(`the ledger is damaged: a row's ${column} cannot be read`, options);
    this.column = column;
  }
}

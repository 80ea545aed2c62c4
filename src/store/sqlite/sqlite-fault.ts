/** SQLite's result codes (https://www.sqlite.org/rescode.html) that are told apart here. */
export const SQLITE_BUSY = 5;
export const SQLITE_NOTADB = 26;
const SQLITE_CONSTRAINT_UNIQUE = 2067;
/** Faults of one statement that leave the transaction around it as it was: bad SQL, too large a value, a constraint. */
const STATEMENT_FAULTS: ReadonlySet<number> = new Set([1, 18, 19, 20, 25]);

/** What a fault of a statement means for the transaction around it. */
export function faultOf(error: unknown): 'not_unique' | 'of_statement' | 'of_transaction' {
  const code = resultCode(error);
  if (code === SQLITE_CONSTRAINT_UNIQUE) return 'not_unique';
  return code === undefined || STATEMENT_FAULTS.has(code & 0xff) ? 'of_statement' : 'of_transaction';
}

/** A fault's text with SQLite's result code, for logs. */
export function describeFault(error: unknown): string {
  const code = resultCode(error);
  const message = error instanceof Error ? error.message : String(error);
  return code === undefined ? message : `${message} (SQLite result code ${code})`;
}

/** SQLite's extended result code, where an error has one. */
export function resultCode(error: unknown): number | undefined {
  return error instanceof Error && 'errcode' in error && typeof error.errcode === 'number' ? error.errcode : undefined;
}

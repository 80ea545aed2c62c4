/** SQLite's result codes (https://www.sqlite.org/rescode.html) that are told apart here. */
export const SQLITE_BUSY = 5;
const SQLITE_CORRUPT = 11;
export const SQLITE_NOTADB = 26;
const SQLITE_CONSTRAINT_UNIQUE = 2067;
/** I/O errors of the memory that the processes of a file share: to open it, its size, its locks, to map it. */
const SHARED_MEMORY_FAULTS: ReadonlySet<number | undefined> = new Set([4618, 4874, 5130, 5386]);
/** Faults of one statement that leave the transaction around it as it was: bad SQL, too large a value, a constraint. */
const STATEMENT_FAULTS: ReadonlySet<number> = new Set([1, 18, 19, 20, 25]);

/** Whether a fault says that the content of the file is damaged. */
export function isDamage(error: unknown): boolean {
  return ((resultCode(error) ?? 0) & 0xff) === SQLITE_CORRUPT;
}

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

/** What an operator can do about a file that cannot be opened. */
export function adviceOn(error: unknown): string {
  return SHARED_MEMORY_FAULTS.has(resultCode(error))
    ? 'put it on a local disk with room, such as a named volume: the file system gives processes no memory to share, which mounts of folders into a virtual machine (Docker Desktop, virtiofs, 9p) and of networks often lack'
    : 'check that it is a turnpike ledger, and that this process may write it and its folder';
}

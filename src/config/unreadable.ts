/** Why a file could not be read, as a clause for people; the system's own code where there is no better word. */
export function whyUnreadable(fault: unknown): string {
  const code = fault instanceof Error && 'code' in fault ? String(fault.code) : undefined;
  switch (code) {
    case 'ENOENT':
      return 'there is no such file';
    case 'EISDIR':
      return 'it is a folder';
    case 'EACCES':
    case 'EPERM':
      return 'this process may not read it';
    case undefined:
      return fault instanceof Error ? fault.message : String(fault);
    default:
      return code;
  }
}

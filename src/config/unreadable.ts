function codeOf(fault: unknown): string | undefined {
  return fault instanceof Error && 'code' in fault ? String(fault.code) : undefined;
}

/** Why a file could not be read, as a clause for people; the system's own code where there is no better word. */
export function whyUnreadable(fault: unknown): string {
  const code = codeOf(fault);
  switch (code) {
    case 'ENOENT':
      return 'there is no such file';
    case 'EISDIR':
      return 'it is a folder';
    case 'EACCES':
    case 'EPERM':
      return 'this process may not read it';
    case 'ELOOP':
      return 'its links lead in a circle';
    case 'ENOTDIR':
      return 'a part of its path is no folder';
    case 'ENXIO':
      return 'it is a socket, or a device that is not there';
    case undefined:
      return fault instanceof Error ? fault.message : String(fault);
    default:
      return code;
  }
}

/** Why a file could not be written, in the same way. */
export function whyUnwritable(fault: unknown): string {
  switch (codeOf(fault)) {
    case 'ENOENT':
      return 'there is no such folder';
    case 'EACCES':
    case 'EPERM':
      return 'this process may not write there';
    case 'ENOSPC':
      return 'the disk is full';
    case 'EROFS':
      return 'the file system is read-only';
    default:
      return whyUnreadable(fault);
  }
}

import { execFileSync } from 'node:child_process';
import { chownSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The user of the container image, which no system has in its list of users. */
const USER = 10001;

/** Why no process can be locked down as a container does it; `undefined` when one can. */
export function lockingMissing(): string | undefined {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'needs root on Linux, to become somebody else';
  try {
    execFileSync('unshare', ['--mount', 'setpriv', '--reuid', String(USER), 'true'], { stdio: 'ignore' });
    return undefined;
  } catch {
    return 'may not make a mount namespace';
  }
}

/** Makes the one folder that the locked-down user may write. */
export function writableFolder(parent: string): string {
  const folder = join(parent, 'data');
  mkdirSync(folder, { mode: 0o700 });
  chownSync(folder, USER, USER);
  return folder;
}

/**
 * Mounts everything read-only but one folder, sees to it that nothing else can be written, and becomes the program: an
 * unprivileged user without capabilities, as `readOnlyRootFilesystem` and `drop: [ALL]` leave it.
 */
const SCRIPT = `set -e
writable=$1 temporary=$2; shift 2
mount --bind "$temporary" "$temporary"
mount --bind "$writable" "$writable"
mount -o remount,bind,ro "$temporary"
mount -o remount,bind,ro /
exec setpriv --reuid ${USER} --regid ${USER} --clear-groups --no-new-privs --inh-caps=-all --bounding-set=-all \\
  sh -c 'for folder in / /var/tmp "$TMPDIR" "$(dirname "$2")"; do
    if touch "$folder/written" 2>/dev/null; then echo "$folder can be written" >&2; exit 97; fi
  done
  exec "$@"' sh "$@"`;

/** The command line that runs a program locked down; only `writable` can be written. */
export function lockedDown(writable: string, program: readonly string[]): string[] {
  const temporary = tmpdir();
  return ['env', '-i', `TMPDIR=${temporary}`, `PATH=${process.env['PATH']}`].concat(
    ['unshare', '--mount', '--propagation', 'private', 'sh', '-c', SCRIPT, 'sh', writable, temporary],
    program,
  );
}

import type { Violations } from './violations.ts';

/** What a gateway may print besides its log. */
const NOTICES = [/^warning: /, /^store: memory /i, /ExperimentalWarning/, /memory/];

/** Checks one line of the gateway's output for what must never be in it. */
export function readLog(line: string, violations: Violations): void {
  if (!line.startsWith('{')) {
    if (!NOTICES.some((notice) => notice.test(line))) violations.add('a line that is no log line', line.slice(0, 1000));
    return;
  }
  // A client's control characters would rewrite the terminal of whoever reads the log.
  if (/\p{Cc}/u.test(line)) violations.add('control characters in the log', JSON.stringify(line));
  const { level, code, msg, cause } = parse(line, violations);
  if (code === 'internal_error' || (typeof level === 'number' && level >= 60)) {
    violations.add('internal error', `${String(msg)} ${String(cause)}\n${line.slice(0, 1500)}`);
  }
}

function parse(line: string, violations: Violations): Record<string, unknown> {
  try {
    return JSON.parse(line);
  } catch {
    violations.add('a log line that is no JSON', line.slice(0, 1000));
    return {};
  }
}

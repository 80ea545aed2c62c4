import { AFTER_SCHEME } from '../domain/text-for-log.ts';

/**
 * Text that must not reach a log, from any source. URLs keep only their origin (paths and queries carry API keys). Long
 * bytes are cut (a signature is money until it is used). Lines stay: a stack has many.
 */
const REDACTIONS: readonly (readonly [RegExp, string])[] = [
  [new RegExp(`\\b([a-z][a-z0-9+.-]*://)${AFTER_SCHEME}`, 'gi'), '$1$2'],
  [/0x[0-9a-f]{130,}/gi, '0x…'],
  [/\b[0-9a-f]{130,}\b/gi, '…'],
  [/[A-Za-z0-9+/]{200,}={0,2}/g, '…'],
];

/** Longest text of a cause, in characters: a library may put a whole request into its message. */
const MAX_LENGTH = 2000;

/**
 * The chain of causes of a fault as text for the log; `undefined` for a value that is no error. Where a library gives a
 * short message, only that one is used: the long message of a chain's client names the node's URL and the signed call.
 */
export function describeCause(cause: unknown): string | undefined {
  if (!(cause instanceof Error)) return undefined;
  const inner = describeCause(cause.cause);
  const own = redact(ownText(cause));
  return (inner === undefined ? own : `${own}: ${inner}`).slice(0, MAX_LENGTH);
}

function ownText(error: Error): string {
  if ('shortMessage' in error && typeof error.shortMessage === 'string') {
    const code = 'status' in error && typeof error.status === 'number' ? ` (status ${error.status})` : '';
    return error.shortMessage + code;
  }
  const code = 'code' in error && typeof error.code === 'string' ? ` (${error.code})` : '';
  return isBug(error) ? (error.stack ?? error.message) : error.message + code;
}

/** Whether an error was not thrown on purpose: then the log needs its stack. */
function isBug(error: Error): boolean {
  return (error.name === 'Error' && error.cause === undefined && !('code' in error)) || error.name === 'TypeError';
}

function redact(text: string): string {
  return REDACTIONS.reduce((left, [pattern, replacement]) => left.replace(pattern, replacement), text);
}

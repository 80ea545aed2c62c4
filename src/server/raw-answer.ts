import { ERROR_CODES, type ErrorCode } from '../domain/gateway-error.ts';

/** A whole response in bytes, for connections without a request to answer. It is the last response. */
export function rawAnswer(statusText: string, code: ErrorCode): string {
  const body = problem(code);
  return [
    `HTTP/1.1 ${ERROR_CODES[code].status} ${statusText}`,
    'Content-Type: application/problem+json',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Cache-Control: no-store',
    'Connection: close',
    '',
    body,
  ].join('\r\n');
}

/** The problem document of a code (RFC 9457). */
export function problem(code: ErrorCode): string {
  const { title, status } = ERROR_CODES[code];
  return JSON.stringify({ type: 'about:blank', title, status, code });
}

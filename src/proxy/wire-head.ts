import { STATUS_CODES } from '../engine/node-http.ts';
import { FORBIDDEN_IN_VALUE } from './headers/flat-list.ts';

/** A head's raw bytes as a flat list of names and values, latin1. */
export function decodeHead(raw: readonly (Buffer | string)[]): string[] {
  const list: string[] = new Array(raw.length);
  for (let i = 0; i < raw.length; i++) list[i] = raw[i]?.toString('latin1') ?? '';
  return list;
}

/**
 * The reason phrase for the client: the usual one where Node would refuse it, for a control character, which could end
 * the status line.
 *
 * @param text latin1
 */
export function checkedReason(text: string | undefined, status: number): string {
  if (text === undefined) return '';
  return FORBIDDEN_IN_VALUE.test(text) ? (STATUS_CODES[status] ?? '') : text;
}

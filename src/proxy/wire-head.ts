import type { Dispatcher } from 'undici';
import { STATUS_CODES } from '../engine/node-http.ts';

/** A head's raw bytes as a flat list of names and values, latin1. */
export function decodeHead(raw: Dispatcher.DispatchController['rawHeaders']): string[] {
  if (!Array.isArray(raw)) return [];
  const list: string[] = new Array(raw.length);
  for (let i = 0; i < raw.length; i++) list[i] = raw[i]?.toString('latin1') ?? '';
  return list;
}

/** Text that is the same in every encoding. */
const PLAIN = /^[\x20-\x7e]*$/;

/** undici decodes the reason phrase as UTF-8; Node writes latin1. The bytes must stay the same. */
export function decodeReason(text: string | undefined, status: number): string {
  if (text === undefined || PLAIN.test(text)) return text ?? '';
  if (text.includes('\ufffd')) return STATUS_CODES[status] ?? '';
  const wire = Buffer.from(text, 'utf8').toString('latin1');
  // Node throws at a control character, and it would end the status line.
  return /[^\t\x20-\x7e\x80-\xff]/.test(wire) ? (STATUS_CODES[status] ?? '') : wire;
}

import type { CatalogueAnswer } from '../../domain/discovery.ts';
import { isJsonObject } from '../../domain/payment.ts';
import type { Json } from '../../domain/x402.ts';
import { loggedReason } from './refusal-reasons.ts';

/** Longest value of the header that is read, in characters. */
const MAX_VALUE = 8192;

/**
 * Reads the catalogue's answer to a payment from the header `EXTENSION-RESPONSES`, base64 of `{bazaar: {status,
 * rejectedReason?}}`. `undefined` where the header says nothing about the catalogue, or cannot be read.
 *
 * @see x402 specification, `extensions/bazaar.md`
 */
export function readCatalogueAnswer(header: string | undefined): CatalogueAnswer | undefined {
  if (header === undefined || header.length > MAX_VALUE) return undefined;
  let read: Json;
  try {
    read = JSON.parse(Buffer.from(header, 'base64').toString('utf8'));
  } catch {
    return undefined;
  }
  const bazaar = isJsonObject(read) ? read['bazaar'] : undefined;
  if (!isJsonObject(bazaar)) return undefined;
  const { status, rejectedReason } = bazaar;
  if (status !== 'success' && status !== 'processing' && status !== 'rejected') return undefined;
  const reason = typeof rejectedReason === 'string' ? loggedReason(undefined, rejectedReason) : undefined;
  return { status, reason };
}

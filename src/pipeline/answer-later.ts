import { ANSWER_LATER } from '../paywall/page-data.ts';
import type { RoutedRequest } from './exchange.ts';

/**
 * Whether a request pays now for an answer that is opened later. Only `GET` qualifies, because it is safe: the call is
 * made once to learn its status, where the route settles after it, and once more for the answer.
 */
export function isForLater({ method, head }: Pick<RoutedRequest, 'method' | 'head'>): boolean {
  const { headers } = head;
  if (method !== 'GET' || headers['upgrade'] !== undefined) return false;
  return headers[ANSWER_LATER.name.toLowerCase()] === ANSWER_LATER.value;
}

/**
 * Headers of an API's answer that is relayed uncharged. The page that pays has to tell it from the answer of a proxy in
 * between, which knows nothing of the payment: after that one the money may have moved.
 */
export function unchargedHeaders(
  request: Pick<RoutedRequest, 'method' | 'head'>,
): readonly (readonly [string, string])[] {
  return isForLater(request) ? [[ANSWER_LATER.name, ANSWER_LATER.uncharged]] : [];
}

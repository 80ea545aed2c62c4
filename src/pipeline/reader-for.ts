import type { AnswerReader, PaidCall } from '../domain/answer-reader.ts';
import type { PaidIn, RoutedRequest } from './exchange.ts';
import { rewritten } from './forward.ts';
import type { Services } from './runtime.ts';

/**
 * The reader for the answer to a paid request; `undefined` where the offer's amount is the price, whatever the answer
 * says.
 */
export function readerFor(
  request: RoutedRequest,
  paid: PaidIn,
  services: Pick<Services, 'answerReaders'>,
): AnswerReader | undefined {
  return request.answerReader === undefined
    ? registeredReader(request, { offer: paid.offer }, services)
    : request.answerReader(paid);
}

/** The registry's reader for a request; it depends on the price of the route, not on the payer. */
export function registeredReader(
  { route, price, head, path, body }: RoutedRequest,
  paid: Pick<PaidCall, 'offer' | 'limit'>,
  { answerReaders }: Pick<Services, 'answerReaders'>,
): AnswerReader | undefined {
  const call = { route, price, head, path: rewritten(path, route.rewrite), body: body?.held, ...paid };
  for (const readers of answerReaders) {
    const reader = readers.readerOf(call);
    if (reader !== undefined) return reader;
  }
  return undefined;
}

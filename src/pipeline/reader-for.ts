import type { AnswerReader } from '../domain/answer-reader.ts';
import type { Offer } from '../domain/offer.ts';
import type { RoutedRequest } from './exchange.ts';
import type { Services } from './runtime.ts';

/** The reader for the answer to a paid request; `undefined` where it costs the offer's amount, whatever it says. */
export function readerFor(
  { route, price, head, path, body, answerReader }: RoutedRequest,
  offer: Offer,
  { answerReaders }: Pick<Services, 'answerReaders'>,
): AnswerReader | undefined {
  if (answerReader !== undefined) return answerReader(offer);
  for (const readers of answerReaders) {
    const reader = readers.readerOf({ route, price, head, path, body: body?.held, offer });
    if (reader !== undefined) return reader;
  }
  return undefined;
}

import type { AnswerReader } from '../domain/answer-reader.ts';
import type { PaidIn, RoutedRequest } from './exchange.ts';
import type { Services } from './runtime.ts';

/** The reader for the answer to a paid request; `undefined` where it costs the offer's amount, whatever it says. */
export function readerFor(
  { route, price, head, path, body, answerReader }: RoutedRequest,
  paid: PaidIn,
  { answerReaders }: Pick<Services, 'answerReaders'>,
): AnswerReader | undefined {
  if (answerReader !== undefined) return answerReader(paid);
  for (const readers of answerReaders) {
    const reader = readers.readerOf({ route, price, head, path, body: body?.held, offer: paid.offer });
    if (reader !== undefined) return reader;
  }
  return undefined;
}

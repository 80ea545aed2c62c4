import type { AnswerFacts } from './answer-meter.ts';

/** The form in which a body states its use. */
export type BodyForm = 'events' | 'lines' | 'document' | 'list' | 'other';

const LINES: ReadonlySet<string> = new Set([
  'application/x-ndjson',
  'application/ndjson',
  'application/jsonl',
  'application/x-jsonlines',
]);

/** A stream of Gemini's that is not an event stream: one JSON array whose elements come one after the other. */
const LIST_PATH = /:streamGenerateContent$/i;

/** The form of a body, by its media type. */
export function bodyForm({ contentType, path }: AnswerFacts): BodyForm {
  const type = (contentType ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
  if (type === 'text/event-stream') return 'events';
  if (LINES.has(type)) return 'lines';
  if (!/[/+]json$/.test(type)) return 'other';
  return LIST_PATH.test(path) ? 'list' : 'document';
}

/** Whether a body of this form is sent as it comes. */
export function isStreamed(form: BodyForm): boolean {
  return form === 'events' || form === 'lines' || form === 'list';
}

/** Whether a body is compressed: then it is not read. */
export function isCompressed({ contentEncoding }: AnswerFacts): boolean {
  const encoding = (contentEncoding ?? '').trim().toLowerCase();
  return encoding !== '' && encoding !== 'identity';
}

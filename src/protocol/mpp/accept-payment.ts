/** A method and an intent, as a challenge names them. */
export interface ChargeKind {
  readonly method: string;
  readonly intent: string;
}

/** One member of `Accept-Payment`. */
interface Range extends ChargeKind {
  /** From 0, never, to 1. */
  readonly weight: number;
}

const ANY = '*';
/** A longer value is no real client's preference; it is not parsed. */
const MAX_LENGTH = 2048;
const RANGE = /^(\*|[a-z][a-z0-9-]*)\/(\*|[A-Za-z0-9-]+)(?:[ \t]*;[ \t]*[qQ]=(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?))?$/;

/**
 * Whether a client wants challenges of that kind. Without the field it wants all kinds. A malformed field and an empty
 * one are ignored. Of the ranges that fit, the most specific ones count, and of those the highest weight.
 *
 * @param field as Node hands it over, repeated lines joined with commas
 * @see draft-httpauth-payment-00, "Client Payment Preferences"
 */
export function accepts(field: string | readonly string[] | undefined, kind: ChargeKind): boolean {
  if (field === undefined) return true;
  const ranges = readRanges(typeof field === 'string' ? field : field.join(','));
  if (ranges === undefined || ranges.length === 0) return true;
  const fitting = ranges.filter((range) => fits(range.method, kind.method) && fits(range.intent, kind.intent));
  const most = Math.max(...fitting.map(specificity));
  return fitting.some((range) => specificity(range) === most && range.weight > 0);
}

/** `undefined` where one of them is malformed. Members may be empty (RFC 9110 §5.6.1). */
function readRanges(value: string): readonly Range[] | undefined {
  if (value.length > MAX_LENGTH) return undefined;
  const ranges: Range[] = [];
  for (const member of value.split(',')) {
    const text = member.trim();
    if (text === '') continue;
    const [, method, intent, weight = '1'] = RANGE.exec(text) ?? [];
    if (method === undefined || intent === undefined) return undefined;
    ranges.push({ method, intent, weight: Number(weight) });
  }
  return ranges;
}

function fits(range: string, given: string): boolean {
  return range === ANY || range === given;
}

function specificity({ method, intent }: Range): number {
  return (method === ANY ? 0 : 1) + (intent === ANY ? 0 : 1);
}

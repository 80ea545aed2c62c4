/*
 * Lists of credentials and of challenges, as `Authorization` and `WWW-Authenticate` hold them (RFC 9110 §11): several
 * schemes in one value, with commas between them and between the parameters of each, and commas in quoted texts that
 * separate nothing.
 */

/** The part of one scheme in a list. */
export interface AuthPart {
  /** Lower case. */
  readonly scheme: string;
  /** Its whole text in the list. */
  readonly text: string;
  /** What follows the scheme's name; empty where nothing does. */
  readonly rest: string;
}

/** The scheme of MPP, lower case. */
const PAYMENT = 'payment';
/** Excludes most values, which have nothing of ours, without parsing them. */
const MAY_HOLD_PAYMENT = /payment/i;
/** A member that begins a scheme: a name alone, or followed by white space and no equals sign. */
const BEGINS_SCHEME = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+)(?:[ \t]+(?!=)(.*))?$/;

/**
 * Takes a list apart. Members that begin no scheme belong to the one before them; what comes before the first scheme is
 * left out.
 */
function authParts(value: string): readonly AuthPart[] {
  const parts: { scheme: string; text: string; rest: string }[] = [];
  for (const member of members(value)) {
    const [, scheme, rest = ''] = BEGINS_SCHEME.exec(member) ?? [];
    const last = parts.at(-1);
    if (scheme !== undefined) parts.push({ scheme: scheme.toLowerCase(), text: member, rest: rest.trim() });
    else if (last !== undefined) {
      last.text += `, ${member}`;
      last.rest += `, ${member}`;
    }
  }
  return parts;
}

/** The text after each `Payment` of a list, in order. */
export function paymentParts(value: string): readonly string[] {
  if (!MAY_HOLD_PAYMENT.test(value)) return [];
  return authParts(value).flatMap(({ scheme, rest }) => (scheme === PAYMENT ? [rest] : []));
}

/**
 * A list without the parts of the `Payment` scheme: the API's own text, byte for byte where there is nothing of ours.
 * Empty where nothing is left.
 */
export function withoutPayment(value: string): string {
  if (!MAY_HOLD_PAYMENT.test(value)) return value;
  const parts = authParts(value);
  const others = parts.filter(({ scheme }) => scheme !== PAYMENT);
  return others.length === parts.length ? value : others.map(({ text }) => text).join(', ');
}

/**
 * The members between the commas outside quoted texts, without white space around them. If the last quoted text has no
 * end, every comma counts: otherwise a credential for another reader could pass here as part of a text.
 */
function members(value: string): readonly string[] {
  const found: string[] = [];
  let from = 0;
  let quoted = false;
  for (let at = 0; at < value.length; at++) {
    const sign = value[at];
    if (quoted && sign === '\\') at++;
    else if (sign === '"') quoted = !quoted;
    else if (sign === ',' && !quoted) {
      found.push(value.slice(from, at));
      from = at + 1;
    }
  }
  found.push(value.slice(from));
  return (quoted ? value.split(',') : found).map((member) => member.trim()).filter((member) => member !== '');
}

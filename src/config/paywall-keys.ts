import type { PaywallTerms } from '../domain/paywall.ts';
import type { Parsed } from '../domain/price.ts';
import { complete, type Decoder, map, mapped } from './decoder.ts';
import { byKind } from './forms.ts';
import { text, word } from './text.ts';

const EXPECTS = 'on, off, or a map such as {title: Weather, colour: "#0b57d0"}';
const TITLE_RIGHT = 'a text of 1 to 60 characters';
const LOGO_RIGHT =
  'a path of the same origin such as /logo.svg, or a data: URI of a PNG, JPEG, GIF, WebP, AVIF or SVG image';
const COLOUR_RIGHT = 'a colour such as "#0b57d0", in quotes';
/** Longest logo: with it the page stays under 100 KB. */
const MAX_LOGO = 40_000;
const LOGO_DATA = 'data:image/(?:png|jpeg|gif|webp|avif|svg\\+xml);base64,[A-Za-z0-9+/]+={0,2}';
/** A path alone: `//` would name another host. */
const LOGO_PATH = '/(?:[A-Za-z0-9._~-][A-Za-z0-9._~/-]*)?';
const COLOUR = '#(?:[0-9A-Fa-f]{3}|[0-9A-Fa-f]{6})';

const title = text({
  expects: TITLE_RIGHT,
  schema: { minLength: 1, maxLength: 60 },
  parse: (given): Parsed<string> =>
    given.trim() !== '' && given.length <= 60
      ? { ok: true, value: given }
      : { ok: false, wrong: `this has ${given.trim().length} characters`, right: TITLE_RIGHT },
});

const logo = text({
  expects: LOGO_RIGHT,
  pattern: `${LOGO_PATH}|${LOGO_DATA}`,
  schema: { maxLength: MAX_LOGO },
  parse: (given): Parsed<string> => {
    if (given.length > MAX_LOGO) {
      return { ok: false, wrong: `the logo has ${given.length} characters`, right: `at most ${MAX_LOGO} characters` };
    }
    const known = new RegExp(`^(?:${LOGO_PATH}|${LOGO_DATA})$`).test(given);
    return known ? { ok: true, value: given } : { ok: false, wrong: 'this is no logo', right: LOGO_RIGHT };
  },
});

const colour = text({
  expects: COLOUR_RIGHT,
  pattern: COLOUR,
  parse: (given): Parsed<string> =>
    new RegExp(`^${COLOUR}$`).test(given)
      ? { ok: true, value: longColour(given) }
      : { ok: false, wrong: `${JSON.stringify(given)} is not a colour`, right: COLOUR_RIGHT },
});

/** `#abc` stands for `#aabbcc`. */
function longColour(given: string): string {
  return (given.length === 4 ? given.replace(/[^#]/g, (digit) => digit + digit) : given).toLowerCase();
}

/** The keys of `paywall`. */
const paywallKeys = map(EXPECTS, {
  title: { decoder: title, description: 'Name of the seller. Default: the host.' },
  logo: {
    decoder: logo,
    description: 'An image beside the name: a path of the same origin, which has to be free, or a `data:` URI.',
    examples: ['/logo.svg'],
  },
  colour: {
    decoder: colour,
    description: 'Colour of the button. The text on it is black or white, whichever can be read.',
    examples: ['#0b57d0'],
  },
});

/** Where the file says nothing: a page in the colours of the gateway. */
export const DEFAULT_PAYWALL: PaywallTerms = { title: undefined, logo: undefined, colour: undefined };

/** How people are asked to pay; `'off'`: as machines are. */
export const paywall: Decoder<PaywallTerms | 'off'> = byKind<PaywallTerms | 'off'>(EXPECTS, {
  scalar: mapped(word(['on', 'off']), (chosen) => (chosen === 'on' ? DEFAULT_PAYWALL : chosen)),
  map: complete(paywallKeys, (terms) => terms),
});

const DEFAULT_COLOUR = '#1d4ed8';

/** The style of the button in the seller's colour. Its text is black or white, whichever has more contrast. */
export function brandStyle(colour: string = DEFAULT_COLOUR): string {
  const light = luminance(colour);
  // WCAG 2.2 contrast ratios; the better one is never below 4.58.
  const onWhite = 1.05 / (light + 0.05);
  const onBlack = (light + 0.05) / 0.05;
  return `:root{--brand:${colour};--on-brand:${onWhite >= onBlack ? '#fff' : '#000'}}`;
}

/** Relative luminance of `#rrggbb`, WCAG 2.2. */
function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5]
    .map((start) => Number.parseInt(colour.slice(start, start + 2), 16) / 255)
    .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

/** Longest text that is normalized: names are shorter, and of many accents on one letter that takes hours. */
const MOST_NORMALIZED = 256;

/** Equal for keys that some reader takes for the same: Go compares them without their case, and folds `ſ` and the Kelvin sign. */
export function foldKey(key: string): string {
  if (ASCII.test(key)) return key.toLowerCase();
  return (key.length > MOST_NORMALIZED ? key : key.normalize('NFC')).toUpperCase().toLowerCase();
}

/** Keys of which each letter has one other case. */
const ASCII = /^[ -~]*$/;

/** Letters without width; blanks and control characters around a text, each run of which is read once. */
const WIDTHLESS = /\p{Cf}/gu;
const AROUND = /^[\s\p{Cc}\p{Z}]+|(?<![\s\p{Cc}\p{Z}])[\s\p{Cc}\p{Z}]+$/gu;
/** Texts that lenient readers do not change. */
const PLAIN = /^(?! )[ -@[-`{-~]*(?<! )$/;

/** One form for all spellings that lenient readers take for one value: case folded, without what cannot be seen. */
export function looseForm(text: string): string {
  return PLAIN.test(text) ? text : foldKey(text.replace(WIDTHLESS, '').replace(AROUND, ''));
}

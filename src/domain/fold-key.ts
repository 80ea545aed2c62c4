/** Equal for keys that some reader takes for the same: Go compares them without their case, and folds `ſ` and the Kelvin sign. */
export function foldKey(key: string): string {
  return ASCII.test(key) ? key.toLowerCase() : key.normalize('NFC').toUpperCase().toLowerCase();
}

/** Keys of which each letter has one other case. */
const ASCII = /^[ -~]*$/;

/** Blanks and control characters around a text, and letters without width anywhere in it. */
const UNSEEN = /^[\s\p{Cc}\p{Z}]+|[\s\p{Cc}\p{Z}]+$|\p{Cf}/gu;
/** Texts that lenient readers do not change. */
const PLAIN = /^(?! )[ -@[-`{-~]*(?<! )$/;

/** One form for all spellings that lenient readers take for one value: case folded, without what cannot be seen. */
export function looseForm(text: string): string {
  return PLAIN.test(text) ? text : foldKey(text.replace(UNSEEN, ''));
}

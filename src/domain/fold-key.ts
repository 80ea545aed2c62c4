/** Equal for keys that some reader takes for the same: Go compares them without their case, and folds `ſ` and the Kelvin sign. */
export function foldKey(key: string): string {
  return ASCII.test(key) ? key.toLowerCase() : key.normalize('NFC').toUpperCase().toLowerCase();
}

/** Keys of which each letter has one other case. */
const ASCII = /^[ -~]*$/;

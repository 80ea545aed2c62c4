/**
 * Makes text from a foreign server safe to show: a control character could rewrite what the terminal showed before it,
 * such as a price.
 */
export function printable(value: unknown): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value));
  // \p{C}: control and format characters, such as the ones that turn the reading direction around.
  return text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`);
}

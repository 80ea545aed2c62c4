/** Characters that look like a space, or like nothing, from web pages, chats and word processors. */
const OTHER_BLANK = /[\u00a0\u00ad\u1680\u180e\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff]/;

/** What is wrong with a text that holds such a character, to be said of it; `undefined` for a text without one. */
export function otherBlankIn(text: string): string | undefined {
  const [blank] = OTHER_BLANK.exec(text) ?? [];
  const number = blank?.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0');
  return number === undefined ? undefined : `holds a blank that is no space (U+${number})`;
}

/** Parts of a text that are shorter than this are copies already. */
const SHORTEST_VIEW = 13;

/**
 * The same text, on its own. V8 makes a longer part of a text as a view of the whole: one path of a price table that is
 * kept would keep its file in memory.
 */
export function ownText(text: string): string {
  return text.length < SHORTEST_VIEW ? text : String(JSON.parse(JSON.stringify(text)));
}

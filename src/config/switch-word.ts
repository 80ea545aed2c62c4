/** What YAML 1.1 and people write for true and false. */
const YES = /^(?:on|yes|true)$/i;
const NO = /^(?:off|no|false)$/i;

/** Whether a text says yes or no, in whatever word; `undefined` where it says neither. */
export function readSwitch(text: string): boolean | undefined {
  if (YES.test(text)) return true;
  return NO.test(text) ? false : undefined;
}

import { limitText, type UseLimit } from './use-limit.ts';

/** Keys of customers who pay elsewhere: requests with one of them are not asked for money. */
export interface CustomerKeys {
  /** Lower-case name of the header that carries a key. */
  readonly header: string;
  /** SHA-256 of each key, lower-case hex, with the label that the file gives it. */
  readonly hashes: ReadonlyMap<string, string | undefined>;
  /** How much each key opens; `undefined`: everything. */
  readonly limit: UseLimit | undefined;
  /** Whether the API sees the header. */
  readonly forward: boolean;
}

/** Keys for people: `3 keys in x-api-key, 100 per day each`. */
export function keysText({ header, hashes, limit, forward }: CustomerKeys): string {
  const count = `${hashes.size} ${hashes.size === 1 ? 'key' : 'keys'} in ${header}`;
  const each = limit === undefined ? '' : `, ${limitText(limit)} each`;
  return `${count}${each}${forward ? '' : ', not forwarded'}`;
}

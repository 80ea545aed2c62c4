/** How often something may be done in a window of time. Windows follow each other from 1970 on, in UTC. */
export interface UseLimit {
  readonly requests: number;
  readonly perMs: number;
}

/** How many requests of a route each client may make for nothing. */
export interface FreeQuota extends UseLimit {
  /** What counts as one client: an address, or an account that signed in. */
  readonly by: 'address' | 'payer';
}

const UNITS = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
  ['second', 1_000],
] as const;

/** A limit for people: `20 per day`, `5 per 30s`. */
export function limitText({ requests, perMs }: UseLimit): string {
  const unit = UNITS.find(([, ms]) => ms === perMs);
  return `${requests} per ${unit === undefined ? `${perMs / 1000}s` : unit[0]}`;
}

/** What a quota counts as one client, for people. */
export function clientText({ by }: FreeQuota): string {
  return by === 'address' ? 'client address' : 'signed-in account';
}

import { type Lookup, PROCESS_LOOKUP } from './name-lookup.ts';

/** How long one address of a host may take, in milliseconds: a packet that is lost is sent again after a second. */
const ATTEMPT_MS = 2000;
/** What Node gives an address. */
const LEAST_ATTEMPT_MS = 250;
/** How many addresses of a host there is time for, at least. */
const ADDRESSES = 3;

/** The part of a connection's options that is about the addresses of its host. */
export interface AttemptOptions {
  readonly lookup: Lookup;
  readonly autoSelectFamily: true;
  readonly autoSelectFamilyAttemptTimeout: number;
}

/**
 * How the addresses of a host are found and tried, one after the other. Node gives up an address after 250 milliseconds
 * where there is another one, even where that one has no route: a host behind a slow or lossy way could not be reached
 * at all.
 *
 * @param timeoutMs of the whole connection
 */
export function attemptsWithin(timeoutMs: number): AttemptOptions {
  const share = Math.floor(timeoutMs / ADDRESSES);
  return {
    lookup: PROCESS_LOOKUP.lookup,
    autoSelectFamily: true,
    autoSelectFamilyAttemptTimeout: Math.max(LEAST_ATTEMPT_MS, Math.min(ATTEMPT_MS, share)),
  };
}

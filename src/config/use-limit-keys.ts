import type { Parsed } from '../domain/price.ts';
import type { FreeQuota } from '../domain/use-limit.ts';
import { complete, type Decoder, map } from './decoder.ts';
import { PERIOD_PATTERN, PERIOD_RIGHT, parsePeriod } from './duration.ts';
import { integer, text, word } from './text.ts';

/** Far above any honest quota, and exact in every store. */
const MAX_REQUESTS = 1_000_000_000;

/** How many requests a limit has. */
export const requests = integer(`a whole number from 1 to ${MAX_REQUESTS}`, 1, MAX_REQUESTS);

/** The period of a limit, in milliseconds. */
export const period: Decoder<number> = text({
  expects: PERIOD_RIGHT,
  pattern: PERIOD_PATTERN,
  bare: true,
  parse: (given): Parsed<number> => parsePeriod(given),
});

/** The keys of `free`. */
export const freeKeys = map('a map such as {requests: 20, per: day}', {
  requests: { decoder: requests, required: true, description: 'How many requests a client has in each period.' },
  per: {
    decoder: period,
    required: true,
    description: 'The period, in UTC.',
    examples: ['day', '30m'],
  },
  by: {
    decoder: word(['address', 'payer']),
    default: 'address',
    description:
      'Who is one client: `address`, an IPv4 address or an IPv6 /64, which behind a proxy needs `trustedProxies`; or `payer`, an account that signs in.',
  },
});

/** How much of a route each client gets for nothing. */
export const freeQuota: Decoder<FreeQuota> = complete(
  freeKeys,
  ({ requests: most, per: perMs, by }): FreeQuota => ({ requests: most, perMs, by }),
);

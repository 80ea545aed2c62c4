import type { Limits } from '../domain/plan.ts';
import { byteSize } from './byte-size.ts';
import { type Fields, map, soundValue } from './decoder.ts';
import type { Source } from './source.ts';
import { integer } from './text.ts';

/** What holds where the file says nothing. */
const DEFAULT_LIMITS: Limits = {
  paymentHeaderBytes: 12_288,
  headerBytes: 32_768,
  bodyBytes: undefined,
  pricedBodyBytes: 256 * 1024,
  connections: 10_000,
  connectionsPerAddress: 256,
  refusalsPerMinute: 60,
  unpaidCallsPerPayer: 64,
  upstreamCallsPerClient: undefined,
  keptAnswersInMemory: 64 * 1024 * 1024,
  keptAnswersInStore: 1024 * 1024 * 1024,
  bodiesInMemory: 64 * 1024 * 1024,
};

/** Largest `bodyBytes`: a terabyte is as good as no limit. */
const MOST_BODY_BYTES = 1_099_511_627_776;

/** Largest `pricedBodyBytes`: what is read is also parsed. */
const MOST_PRICED_BODY_BYTES = 16 * 1024 * 1024;

/** Room for a request line and the other headers, next to the longest payment header. */
const OTHER_HEADERS_BYTES = 4_096;

/** A number of things that may be there at once. */
const count = integer('a whole number from 1 to 1000000', 1, 1_000_000);

/** The keys of `limits`. */
export const limitKeys = map('a map of limits', {
  paymentHeaderBytes: {
    decoder: byteSize(65_536, 2048),
    default: DEFAULT_LIMITS.paymentHeaderBytes,
    description: 'Longest payment header: 2KB to 64KB.',
    examples: ['12KB'],
  },
  headerBytes: {
    decoder: byteSize(262_144, 8192),
    default: DEFAULT_LIMITS.headerBytes,
    description: 'Longest request line plus headers: 8KB to 256KB.',
    examples: ['32KB'],
  },
  bodyBytes: {
    decoder: byteSize(MOST_BODY_BYTES),
    description: 'Longest request body: 413 above it. Default: any.',
    examples: ['1MB', 65_536],
  },
  pricedBodyBytes: {
    decoder: byteSize(MOST_PRICED_BODY_BYTES),
    default: DEFAULT_LIMITS.pricedBodyBytes,
    description: 'The same on routes whose price depends on the body.',
    examples: ['256KB', '1MB'],
  },
  connections: {
    decoder: count,
    default: DEFAULT_LIMITS.connections,
    description: 'Most client connections to one process. Fewer where it may not open so many files.',
  },
  connectionsPerAddress: {
    decoder: count,
    default: DEFAULT_LIMITS.connectionsPerAddress,
    description:
      'The same for one client address (of IPv6, a /64). `trustedProxies` are not bounded: name the load balancer there.',
  },
  refusalsPerMinute: {
    decoder: count,
    default: DEFAULT_LIMITS.refusalsPerMinute,
    description:
      "Payments of one client address in a minute, and at once, that a facilitator refused, or smart accounts' that it has not proved yet; above it 429. For each process.",
  },
  unpaidCallsPerPayer: {
    decoder: count,
    default: DEFAULT_LIMITS.unpaidCallsPerPayer,
    description:
      'Most calls of one payer at the API before their money moved (`settle: after`); above it 429. For each process.',
  },
  upstreamCallsPerClient: {
    decoder: count,
    description:
      'Most calls of one client address at one upstream at once, see [upstreams.md](upstreams.md#room-for-calls). Default: 128, or half of its `connections` if that is less.',
  },
  keptAnswersInMemory: {
    decoder: byteSize(MOST_BODY_BYTES),
    default: DEFAULT_LIMITS.keptAnswersInMemory,
    description:
      "Most bytes of answers in one process's memory for `keepAnswers`. An answer that finds no room is relayed and not kept.",
    examples: ['64MB'],
  },
  keptAnswersInStore: {
    decoder: byteSize(MOST_BODY_BYTES),
    default: DEFAULT_LIMITS.keptAnswersInStore,
    description: 'Most bytes of kept answers in the store; the same.',
    examples: ['1024MB'],
  },
  bodiesInMemory: {
    decoder: byteSize(MOST_BODY_BYTES),
    default: DEFAULT_LIMITS.bodiesInMemory,
    description:
      "Most bytes in one process's memory of bodies that decide a price, or answers that are read before they are charged; a quarter for one client address. A request without room gets 503, an answer without counts as too large.",
    examples: ['64MB'],
  },
});

/** The limits as they were found. */
export type LimitFields = Fields<(typeof limitKeys)['keys']>;

/** Compiles `limits`; what is not sound is reported already, and stands here as the default. */
export function compileLimits(fields: LimitFields | undefined, source: Source): Limits {
  if (fields === undefined) return DEFAULT_LIMITS;
  const limits: Limits = {
    paymentHeaderBytes: soundValue(fields.paymentHeaderBytes) ?? DEFAULT_LIMITS.paymentHeaderBytes,
    headerBytes: soundValue(fields.headerBytes) ?? DEFAULT_LIMITS.headerBytes,
    bodyBytes: soundValue(fields.bodyBytes),
    pricedBodyBytes: soundValue(fields.pricedBodyBytes) ?? DEFAULT_LIMITS.pricedBodyBytes,
    connections: soundValue(fields.connections) ?? DEFAULT_LIMITS.connections,
    connectionsPerAddress: soundValue(fields.connectionsPerAddress) ?? DEFAULT_LIMITS.connectionsPerAddress,
    refusalsPerMinute: soundValue(fields.refusalsPerMinute) ?? DEFAULT_LIMITS.refusalsPerMinute,
    unpaidCallsPerPayer: soundValue(fields.unpaidCallsPerPayer) ?? DEFAULT_LIMITS.unpaidCallsPerPayer,
    upstreamCallsPerClient: soundValue(fields.upstreamCallsPerClient),
    keptAnswersInMemory: soundValue(fields.keptAnswersInMemory) ?? DEFAULT_LIMITS.keptAnswersInMemory,
    keptAnswersInStore: soundValue(fields.keptAnswersInStore) ?? DEFAULT_LIMITS.keptAnswersInStore,
    bodiesInMemory: soundValue(fields.bodiesInMemory) ?? DEFAULT_LIMITS.bodiesInMemory,
  };
  const least = limits.paymentHeaderBytes + OTHER_HEADERS_BYTES;
  if (limits.headerBytes < least) {
    source.report(
      fields.headerBytes.place,
      `${limits.headerBytes} bytes leave no room for a payment header of ${limits.paymentHeaderBytes}`,
      `at least ${least}`,
    );
  }
  return limits;
}

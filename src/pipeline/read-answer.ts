import { GatewayError } from '../domain/gateway-error.ts';
import { clientGroup } from '../proxy/client-address.ts';
import type { UpstreamResponse } from '../proxy/upstream-connection.ts';
import type { BodyDigest } from './body-digest.ts';
import type { ClaimedPayment } from './claim.ts';
import { msToRead } from './cut-in-time.ts';
import type { RoutedRequest } from './exchange.ts';
import type { Services } from './runtime.ts';
import type { AuthorizedPayment } from './stages.ts';
import type { Ends } from './with-claim.ts';

/** A payment whose answer from the upstream waits. */
export interface Waiting {
  readonly claimed: ClaimedPayment;
  readonly authorized: AuthorizedPayment;
  readonly response: UpstreamResponse;
  readonly digest: BodyDigest;
  /** Called once the call is paid: it no longer counts as unpaid at the upstream. */
  readonly charged: () => void;
  readonly ends: Pick<Ends, 'deliver'>;
}

/** Asks the reader about an answer. If the reader fails, the call costs nothing. */
export async function orRelease<T>(ask: () => T, { claimed, response }: Waiting): Promise<T> {
  try {
    return ask();
  } catch (fault) {
    response.discard();
    await claimed.move({ to: 'released', reason: 'the answer could not be read' });
    throw fault;
  }
}

/**
 * Reads a waiting answer, for as long as its payment leaves time to settle it. An answer that breaks off costs nothing.
 *
 * @throws GatewayError `upstream_invalid_answer`, `upstream_timeout`
 */
export async function readWhole(
  request: RoutedRequest,
  { claimed, authorized, response }: Waiting,
  maxBytes: number,
  services: Services,
): Promise<Buffer | 'larger' | 'client_gone'> {
  const forMs = msToRead(request.route, authorized.payment.authorization.expiresAt, services.clock());
  const read = await collectAnswer(request, response, { maxBytes, forMs }, services);
  if (Buffer.isBuffer(read) || read === 'larger') return read;
  await claimed.move({ to: 'released', reason: 'the answer broke off before it was charged' });
  if (read === 'client_gone') return read;
  throw read;
}

/**
 * Collects the body of a waiting answer. A body that breaks off, or is too slow, is dropped, and the fault is returned.
 */
export async function collectAnswer(
  { head, client, clientGone, runtime }: RoutedRequest,
  response: UpstreamResponse,
  { maxBytes, forMs }: { readonly maxBytes: number; readonly forMs: number },
  { limiters }: Pick<Services, 'limiters'>,
): Promise<Buffer | 'larger' | 'client_gone' | GatewayError> {
  const { bodiesInMemory } = runtime.plan.limits;
  const room = limiters.bodies.hold(bodiesInMemory, clientGroup(head, runtime.trustedPeers));
  client.onOver(room.release);
  // A payment is held meanwhile: an upstream that never ends its answer must not hold it for ever.
  const timer = setTimeout(() => response.discard(), forMs);
  const collected = await response.collect(maxBytes, room);
  clearTimeout(timer);
  if (collected.kind === 'whole' && !clientGone.aborted) return collected.body;
  if (collected.kind === 'larger' && !clientGone.aborted) return 'larger';
  response.discard();
  if (clientGone.aborted) return 'client_gone';
  const isSlow = collected.kind === 'broke' && collected.silent;
  return new GatewayError(isSlow ? 'upstream_timeout' : 'upstream_invalid_answer');
}

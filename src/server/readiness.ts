import { describeShadowed } from '../config/shadowed-routes.ts';
import type { Offer } from '../domain/offer.ts';
import type { Plan } from '../domain/plan.ts';
import type { ReadinessCheck } from './admin-listener.ts';
import type { OpenRuntime } from './runtime.ts';

/** The configuration asks for something that the facilitators, once asked, do not do. */
export class UnservedOfferError extends Error {
  override readonly name = 'UnservedOfferError';
}

/** What does not hang on the configuration. */
export interface ProcessState {
  /** Whether it is draining. */
  readonly leaving: boolean;
  readonly ledgerAnswers: boolean;
}

/** Whether the gateway can do its work now, point by point. */
export function readiness(runtime: OpenRuntime, { leaving, ledgerAnswers }: ProcessState): ReadinessCheck[] {
  const checks = new Map<string, ReadinessCheck>();
  for (const offer of offersOf(runtime.plan)) {
    const name = `facilitator for ${offer.scheme} on ${offer.network}`;
    checks.set(name, facilitatorCheck(name, offer, runtime));
  }
  const upstreams = serversOf(runtime.plan).map((origin) => upstreamCheck(origin, runtime));
  const shadowed = describeShadowed(runtime.plan);
  const enforcement = shadowed === undefined ? [] : [{ name: 'enforcement', ready: true, detail: shadowed }];
  return [storeCheck(ledgerAnswers), ...checks.values(), ...upstreams, ...enforcement, accepting(leaving)];
}

/** Whether requests should be sent here. Those that come all the same are served for as long as connections are taken. */
export function accepting(leaving: boolean): ReadinessCheck {
  const check = { name: 'accepting requests', ready: !leaving };
  return leaving ? { ...check, detail: 'draining' } : check;
}

/** What is to be said of a configuration that cannot change. */
export function soundConfiguration(): ReadinessCheck {
  return { name: 'configuration', ready: true };
}

/**
 * Refuses to run on offers that nobody will ever settle.
 *
 * @throws UnservedOfferError
 */
export function refuseUnserved({ plan, facilitators }: OpenRuntime): void {
  if (!facilitators.allReached) return;
  const unserved = offersOf(plan).filter((offer) => !facilitators.covers(offer));
  if (unserved.length === 0) return;
  const kinds = [...new Set(unserved.map((offer) => `${offer.scheme} on ${offer.network}`))].join(', ');
  const names = plan.facilitators.map((facilitator) => facilitator.name).join(', ');
  throw new UnservedOfferError(`no facilitator serves ${kinds}; asked: ${names}`);
}

function storeCheck(ready: boolean): ReadinessCheck {
  return ready ? { name: 'store', ready } : { name: 'store', ready, detail: 'the ledger does not answer' };
}

/** A facilitator in trouble is told of also while another one does its work. */
function facilitatorCheck(name: string, offer: Offer, { facilitators }: OpenRuntime): ReadinessCheck {
  const absence = facilitators.absence(offer);
  if (absence !== undefined) return { name, ready: false, detail: absence };
  const detail = facilitators.trouble(offer);
  return detail === undefined ? { name, ready: true } : { name, ready: true, detail };
}

/** Told, never held against the gateway: taking every replica out of service would turn one fault into a larger one. */
function upstreamCheck(origin: string, { health }: OpenRuntime): ReadinessCheck {
  const check = { name: `upstream ${origin}`, ready: true };
  const { trouble } = health.of(origin);
  return trouble === undefined ? check : { ...check, detail: trouble };
}

function serversOf({ routes, unmatched }: Plan): readonly string[] {
  const upstreams = routes.map(({ upstream }) => upstream);
  if (unmatched.kind === 'pass') upstreams.push(unmatched.upstream);
  return [...new Set(upstreams.flatMap(({ servers }) => servers.map(({ origin }) => origin)))];
}

function offersOf(plan: Plan): readonly Offer[] {
  return plan.routes.flatMap(({ price }) => (price.kind === 'priced' ? price.offers : []));
}

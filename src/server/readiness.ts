import { describeShadowed } from '../config/shadowed-routes.ts';
import type { Offer } from '../domain/offer.ts';
import type { Plan } from '../domain/plan.ts';
import { offersOf, upstreamsOf } from '../domain/plan-parts.ts';
import { serverName } from '../domain/upstream.ts';
import type { CheckScope, ReadinessCheck } from './readiness-check.ts';
import type { OpenRuntime } from './runtime.ts';

/** The configuration offers something that none of its facilitators supports. */
export class UnservedOfferError extends Error {
  override readonly name = 'UnservedOfferError';
}

/** State that does not depend on the configuration. */
export interface ProcessState {
  /** Whether it is draining. */
  readonly leaving: boolean;
  readonly ledgerAnswers: boolean;
}

/** Whether the gateway can do its work now, check by check. */
export function readiness(runtime: OpenRuntime, { leaving, ledgerAnswers }: ProcessState): ReadinessCheck[] {
  const checks = new Map<string, ReadinessCheck>();
  for (const offer of offersOf(runtime.plan)) {
    const name = `facilitator for ${offer.scheme} on ${offer.network}`;
    checks.set(name, facilitatorCheck(name, offer, runtime));
  }
  const upstreams = serversOf(runtime.plan).map((name) =>
    checkOf(`upstream ${name}`, 'upstream', runtime.health.of(name).trouble),
  );
  const store = checkOf('store', 'shared', ledgerAnswers ? undefined : 'the ledger does not answer');
  const shadowed = describeShadowed(runtime.plan);
  const enforcement = shadowed === undefined ? [] : [{ ...checkOf('enforcement', 'process'), detail: shadowed }];
  return [store, ...checks.values(), ...upstreams, ...enforcement, accepting(leaving)];
}

/** Whether requests should be sent here. Others are still served as long as connections are accepted. */
export function accepting(leaving: boolean): ReadinessCheck {
  return checkOf('accepting requests', 'process', leaving ? 'draining' : undefined);
}

/** The check of a configuration that cannot change. */
export function soundConfiguration(): ReadinessCheck {
  return checkOf('configuration', 'process');
}

/**
 * Refuses offers that no facilitator will settle.
 *
 * @throws UnservedOfferError
 */
export function refuseUnserved(runtime: OpenRuntime): void {
  const { plan, facilitators } = runtime;
  if (!facilitators.allReached) return;
  const unserved = offersOf(plan).filter((offer) => !facilitators.covers(offer) || !runtime.isQuoted(offer));
  if (unserved.length === 0) return;
  const kinds = [...new Set(unserved.map((offer) => `${offer.scheme} on ${offer.network}`))].join(', ');
  const names = plan.facilitators.map((facilitator) => facilitator.name).join(', ');
  throw new UnservedOfferError(`no facilitator serves ${kinds}; asked: ${names}`);
}

/** @param trouble why it is not ready; `undefined` when it is */
function checkOf(name: string, scope: CheckScope, trouble?: string): ReadinessCheck {
  return trouble === undefined ? { name, scope, ready: true } : { name, scope, ready: false, detail: trouble };
}

/** A facilitator's fault is reported even while another one does its work. */
function facilitatorCheck(name: string, offer: Offer, runtime: OpenRuntime): ReadinessCheck {
  const { facilitators } = runtime;
  const untold = runtime.isQuoted(offer) ? undefined : 'none that serves it says what its offers need';
  const check = checkOf(name, 'shared', facilitators.absence(offer) ?? untold);
  const detail = check.detail ?? facilitators.trouble(offer);
  return detail === undefined ? check : { ...check, detail };
}

function serversOf(plan: Plan): readonly string[] {
  return [...new Set([...upstreamsOf(plan)].flatMap(({ servers }) => servers.map(serverName)))];
}

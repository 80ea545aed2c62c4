import type { FacilitatorSpec } from '../domain/facilitator-spec.ts';
import { isLoopback } from '../domain/loopback.ts';
import type { Network } from '../domain/network.ts';
import { settlesHere } from '../registry.ts';
import { type Field, soundValue } from './decoder.ts';
import type { GatewayFields } from './gateway-keys.ts';
import type { Source } from './source.ts';

/** The networks that can be settled on; `undefined` when a facilitator is remote, which tells only when it is asked. */
export function servedNetworks(gateway: GatewayFields): ReadonlySet<Network> | undefined {
  const drafts = soundValue(gateway.facilitator);
  const served = new Set<Network>();
  for (const draft of drafts ?? []) {
    const serves = soundValue(draft)?.serves;
    if (serves === undefined) return undefined;
    for (const network of serves) served.add(network);
  }
  return drafts === undefined ? undefined : served;
}

/** Gives each facilitator a name of its own; `undefined` when one of them is not sound. */
export function compileFacilitators(gateway: GatewayFields, source: Source): readonly FacilitatorSpec[] | undefined {
  if (gateway.facilitator.kind === 'absent') return [];
  const fields = soundValue(gateway.facilitator);
  if (fields === undefined) return undefined;
  const names = new Map<string, number>();
  const specs: FacilitatorSpec[] = [];
  for (const field of fields) {
    if (field.kind !== 'value') continue;
    const { spec } = field.value;
    if (spec === undefined) continue;
    const count = (names.get(spec.name) ?? 0) + 1;
    names.set(spec.name, count);
    specs.push(count === 1 ? spec : { ...spec, name: `${spec.name}#${count}` });
    if (spec.kind === 'remote') checkRemote(new URL(spec.url), field, source);
    if (settlesHere(spec) && count > 1)
      source.report(field.place, 'there are two local facilitators', 'one, with all its networks in rpc');
  }
  return specs.length === fields.length ? specs : undefined;
}

function checkRemote(url: URL, field: Field<unknown>, source: Source): void {
  if (url.protocol === 'http:' && !isLoopback(url.hostname)) {
    source.warn(
      field.place,
      'the facilitator is asked without TLS: whoever is in between can claim that payments are good',
      'an https URL',
    );
  }
  if (url.host === 'x402.org') {
    source.warn(
      field.place,
      'x402.org redirects, and the gateway follows no redirects',
      `https://www.x402.org${url.pathname}`,
    );
  }
}

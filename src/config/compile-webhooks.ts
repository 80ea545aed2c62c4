import { createHash } from 'node:crypto';
import { isLoopback } from '../domain/loopback.ts';
import type { Route } from '../domain/route.ts';
import { isPriced } from '../domain/route-price.ts';
import type { Webhook } from '../domain/webhook.ts';
import { type Field, soundValue } from './decoder.ts';
import type { GatewayFields } from './gateway-keys.ts';
import { nearest } from './nearest.ts';
import type { Source } from './source.ts';
import type { WebhookFields } from './webhook-keys.ts';

/** Compiles the receivers of payment events; what is wrong with one is reported. */
export function compileWebhooks(gateway: GatewayFields, routes: readonly Route[], source: Source): readonly Webhook[] {
  const seen = new Set<string>();
  return (soundValue(gateway.webhooks) ?? []).flatMap((field): readonly Webhook[] => {
    const fields = soundValue(field);
    if (fields === undefined) return [];
    // Where a route is not sound, its name may be missing for that.
    if (routes.length === soundValue(gateway.routes)?.length) checkRoutes(fields, routes, source);
    const url = soundValue(fields.url);
    const secret = soundValue(fields.secret);
    if (url === undefined || secret === undefined) return [];
    checkUrl(url, fields, source);
    if (seen.has(url.href)) source.report(fields.url.place, 'there are two webhooks with this URL', 'one of them');
    seen.add(url.href);
    return [{ id: idOf(url), url: url.href, secret, routes: namesOf(fields.routes) }];
  });
}

/** Messages hold who paid what: nobody on the way may read them. */
function checkUrl(url: URL, fields: WebhookFields, source: Source): void {
  if (url.protocol === 'https:' || isLoopback(url.hostname)) return;
  source.report(fields.url.place, 'the messages would go over the network without TLS', 'an https URL');
}

/** A route that is not there, or costs nothing, is never heard of: that is not what was meant. */
function checkRoutes({ routes: listed }: WebhookFields, routes: readonly Route[], source: Source): void {
  const priced = routes.filter(isPriced).map(({ name }) => name);
  for (const field of soundValue(listed) ?? []) {
    if (field.kind !== 'value' || priced.includes(field.value)) continue;
    const isFree = routes.some(({ name }) => name === field.value);
    const shown = JSON.stringify(field.value.slice(0, 100));
    source.report(
      field.place,
      isFree ? `the route ${shown} is free, so that nobody pays there` : `there is no route named ${shown}`,
      nearest(field.value, priced) ?? 'the name of a priced route, see turnpike routes --json',
    );
  }
}

function namesOf(listed: WebhookFields['routes']): readonly string[] | undefined {
  return soundValue(listed)?.flatMap((field: Field<string>) => soundValue(field) ?? []);
}

function idOf(url: URL): string {
  return createHash('sha256').update(url.href).digest().subarray(0, 16).toString('base64url');
}

import type { Route } from '../domain/route.ts';
import { crossOriginHeaders } from './cross-origin.ts';
import type { AcceptedHead } from './exchange.ts';
import { answered, type Served } from './stages.ts';

/** Seconds that caches may keep a document: a reload can change prices, and only the 402 is binding. */
const MAX_AGE_SECONDS = 60;

/**
 * Whether a request is for one of the gateway's own documents. A route with exactly that path wins; one that only
 * covers it, such as `/*`, does not.
 */
export function isForDiscovery({ method, path, runtime }: AcceptedHead, matched: Route | undefined): boolean {
  if (runtime.discovery?.has(path) !== true || (method !== 'GET' && method !== 'HEAD')) return false;
  return matched === undefined || matched.pattern.text !== path;
}

/** Answers with the document, free of charge. */
export async function serveDiscovery(request: AcceptedHead): Promise<Served> {
  const { head, path, runtime, requestId } = request;
  const document = await runtime.discovery?.read(path);
  if (document === undefined) throw new Error(`${path} is a document of the gateway's that cannot be read`);
  const headers = [
    ...['Content-Type', document.mimeType, 'Content-Length', String(document.body.byteLength)],
    ...['Cache-Control', `public, max-age=${MAX_AGE_SECONDS}`, 'X-Request-Id', requestId],
    ...sharedCrossOriginHeaders(head, runtime),
  ];
  const { body } = document;
  return answered('discovery', { status: 200, reason: undefined, headers, body, encoding: 'utf8', dated: true });
}

/**
 * CORS headers for caches, which may serve one client what they stored for another: they are always there, or the cache
 * is told to store by `Origin`.
 */
function sharedCrossOriginHeaders(head: AcceptedHead['head'], runtime: AcceptedHead['runtime']): readonly string[] {
  if (head.headers.origin !== undefined) return crossOriginHeaders(head, runtime);
  return runtime.plan.cors === 'gateway' ? ['Access-Control-Allow-Origin', '*'] : ['Vary', 'Origin'];
}

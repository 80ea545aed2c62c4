import type { Route } from '../domain/route.ts';
import { crossOriginHeaders } from './cross-origin.ts';
import type { AcceptedHead } from './exchange.ts';
import { answered, type Served } from './stages.ts';

/** Seconds that caches may keep a document: a reload can change prices, and the 402 alone is binding. */
const MAX_AGE_SECONDS = 60;

/**
 * Whether a request is for one of the gateway's own documents. A route that has exactly that path wins; one that only covers it,
 * such as `/*`, does not.
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
 * Caches give one page what they kept for another, or for a client that is no page: what lets pages read the document is
 * there whoever asks, or the cache is told to keep it by who asked.
 */
function sharedCrossOriginHeaders(head: AcceptedHead['head'], runtime: AcceptedHead['runtime']): readonly string[] {
  if (head.headers.origin !== undefined) return crossOriginHeaders(head, runtime);
  return runtime.plan.cors === 'gateway' ? ['Access-Control-Allow-Origin', '*'] : ['Vary', 'Origin'];
}

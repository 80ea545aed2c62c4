import type { Route } from '../domain/route.ts';
import { discardBody } from '../proxy/linger.ts';
import { crossOriginHeaders } from './cross-origin.ts';
import type { AcceptedRequest } from './exchange.ts';
import { type Served, served } from './stages.ts';

/** Seconds that caches may keep a document: a reload can change prices, and the 402 alone is binding. */
const MAX_AGE_SECONDS = 60;

/**
 * Whether a request is for one of the gateway's own documents. A route that has exactly that path wins; one that only covers it,
 * such as `/*`, does not.
 */
export function isForDiscovery({ method, path, runtime }: AcceptedRequest, matched: Route | undefined): boolean {
  if (runtime.discovery?.has(path) !== true || (method !== 'GET' && method !== 'HEAD')) return false;
  return matched === undefined || matched.pattern.text !== path;
}

/** Answers with the document, free of charge. */
export async function serveDiscovery(request: AcceptedRequest): Promise<Served> {
  const { head, req, res, path, runtime, requestId, notes } = request;
  const document = await runtime.discovery?.read(path);
  if (document === undefined) throw new Error(`${path} is a document of the gateway's that cannot be read`);
  if (res.destroyed) return served('client_gone');
  notes.headAt = performance.now();
  discardBody(req, res);
  res.writeHead(200, [
    ...['Content-Type', document.mimeType, 'Content-Length', String(document.body.byteLength)],
    ...['Cache-Control', `public, max-age=${MAX_AGE_SECONDS}`, 'X-Request-Id', requestId],
    ...crossOriginHeaders(head, runtime),
  ]);
  res.end(head.method === 'HEAD' ? undefined : document.body);
  return served('discovery');
}

import type { ApiDocument } from '../domain/discovery.ts';
import { isJsonObject } from '../domain/payment.ts';
import type { Json, JsonObject } from '../domain/x402.ts';

/**
 * The base of a document's paths, without a final `/`: `basePath` of Swagger 2, or the path of the first of `servers`
 * of OpenAPI 3. Servers of an operation win over servers of its path, and those over the document's.
 */
export function basePathOf(document: ApiDocument, pathItem: JsonObject, operation: JsonObject): string {
  const { root } = document;
  if (document.dialect === 'swagger2') return trimmed(typeof root['basePath'] === 'string' ? root['basePath'] : '');
  for (const level of [operation, pathItem, root]) {
    const url = serverUrl(level['servers']);
    if (url !== undefined) return trimmed(pathOfUrl(url));
  }
  return '';
}

/** How many different base paths the document's own servers have: above one, the first is taken. */
export function countBasePaths({ root, dialect }: ApiDocument): number {
  const { servers } = root;
  if (dialect === 'swagger2' || !Array.isArray(servers)) return 1;
  return new Set(servers.map((server) => trimmed(pathOfUrl(serverUrl([server]) ?? '')))).size;
}

function serverUrl(servers: Json | undefined): string | undefined {
  const first = Array.isArray(servers) ? servers[0] : undefined;
  if (!isJsonObject(first) || typeof first['url'] !== 'string') return undefined;
  const { variables } = first;
  return first['url'].replace(/\{([^{}]*)\}/g, (whole, name: string) => {
    const variable = isJsonObject(variables) && Object.hasOwn(variables, name) ? variables[name] : undefined;
    const value = isJsonObject(variable) ? variable['default'] : undefined;
    return typeof value === 'string' || typeof value === 'number' ? String(value) : whole;
  });
}

/** The path of a URL that may be relative, without host, query and fragment. */
function pathOfUrl(url: string): string {
  const withoutHost = url.replace(/^(?:[A-Za-z][A-Za-z0-9+.-]*:)?\/\/[^/?#]*/, '');
  const path = withoutHost.replace(/[?#].*$/s, '');
  return path === '' || path.startsWith('/') ? path : `/${path.replace(/^\.\//, '')}`;
}

function trimmed(path: string): string {
  const whole = path === '' || path.startsWith('/') ? path : `/${path}`;
  return whole.replace(/\/+$/, '');
}

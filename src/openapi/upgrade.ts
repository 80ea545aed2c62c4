import type { ApiDocument } from '../domain/discovery.ts';

/**
 * A description as OpenAPI 3.1, whatever its version. The library that converts it is loaded with the first description
 * that is not 3.1 already.
 */
export async function asOpenApi31(document: ApiDocument): Promise<ApiDocument> {
  const { root, dialect, version } = document;
  if (dialect === 'openapi3' && !version.startsWith('3.0')) return document;
  const { upgrade } = await import('@scalar/openapi-upgrader');
  // The library's types describe every keyword; what it makes is plain JSON again. It changes what it is given.
  const upgraded = upgrade(JSON.parse(JSON.stringify(root)), '3.1');
  return { root: JSON.parse(JSON.stringify(upgraded)), dialect: 'openapi3', version: '3.1.0' };
}

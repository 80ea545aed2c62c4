import type { JsonObject } from '../domain/x402.ts';
import type { AssetTable } from './asset-table.ts';
import { gatewayKeys, type OpenKinds } from './gateway-keys.ts';

/**
 * The JSON Schema (draft 2020-12) of the configuration file, made from the decoders themselves, for editors and for
 * `turnpike schema`. It says what a schema can say; `turnpike check` also compares routes, prices and networks.
 */
export function configSchema(table: AssetTable, kinds: OpenKinds): JsonObject {
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Turnpike gateway configuration',
    description: 'The price table and everything else that the gateway runs on. One YAML file.',
    ...gatewayKeys(table, kinds).jsonSchema,
  };
}

import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import manifest from '../../package.json' with { type: 'json' };
import { loadConfig } from '../../src/config/load.ts';
import { loadSchemes } from '../../src/registry.ts';
import { readRepositoryFile } from '../support/docs/markdown.ts';
import { portOf } from '../support/packaging/pod-rules.ts';

interface Service {
  readonly image: string;
  readonly build?: string;
  readonly ports?: readonly string[];
  readonly networks: readonly string[];
  readonly volumes?: readonly string[];
  readonly secrets?: readonly string[];
  readonly read_only?: boolean;
  readonly cap_drop?: readonly string[];
  readonly security_opt?: readonly string[];
  readonly stop_grace_period?: string;
}

const compose: {
  readonly services: { readonly gateway: Service; readonly api: Service; readonly postgres: Service };
  readonly networks: Readonly<Record<string, { readonly internal?: boolean }>>;
} = parse(readRepositoryFile('config/compose/compose.yaml'));
const { gateway, api, postgres } = compose.services;

const loaded = loadConfig({
  file: 'gateway.yaml',
  text: readRepositoryFile('config/compose/price-table/gateway.yaml'),
  env: {},
  readFile: (path) => {
    const secret = gateway.secrets?.find((name) => path === `/run/secrets/${name}`);
    if (secret === undefined) throw new Error(`nothing is mounted at ${path}`);
    return 'not-a-secret';
  },
  schemes: await loadSchemes(),
});
if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
const { plan } = loaded;

describe('the compose file', () => {
  it('builds the image of this checkout, with the version of the package', () => {
    expect([gateway.build, gateway.image]).toEqual(['../..', `turnpike-gateway:${manifest.version}`]);
  });

  it('publishes the gateway, its admin port on loopback only, and nothing else', () => {
    expect(gateway.ports).toEqual([`${portOf(plan.listen)}:8402`, `127.0.0.1:${portOf(plan.admin)}:9402`]);
    expect([api.ports, postgres.ports]).toEqual([undefined, undefined]);
  });

  it('keeps the API and the ledger on an internal network, which only the gateway shares', () => {
    expect(compose.networks['inside']?.internal).toBe(true);
    expect([api.networks, postgres.networks]).toEqual([['inside'], ['inside']]);
    expect(gateway.networks).toContain('inside');
  });

  it('gives the gateway a price table that it starts with, by the names of the services', () => {
    expect(gateway.volumes).toEqual(['./price-table:/etc/turnpike:ro']);
    expect(plan.store).toEqual({
      kind: 'postgres',
      location: 'postgres://turnpike:not-a-secret@postgres:5432/turnpike',
      lasting: true,
    });
    expect(plan.routes.map(({ upstream }) => JSON.stringify(upstream)).join()).toContain('http://api:8080');
  });

  it('locks the gateway down, and gives it the time to finish', () => {
    expect(gateway).toMatchObject({
      read_only: true,
      cap_drop: ['ALL'],
      security_opt: ['no-new-privileges:true'],
    });
    expect(Number(gateway.stop_grace_period?.replace(/s$/, ''))).toBeGreaterThan(plan.drainTimeoutMs / 1000 + 15);
  });
});

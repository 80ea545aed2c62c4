import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import manifest from '../../package.json' with { type: 'json' };
import { PLAN_KEYS } from '../../src/config/plan-keys.ts';
import { readRepositoryFile } from '../support/docs/markdown.ts';
import { renderChart } from '../support/packaging/chart.ts';
import { gatewayPodOf } from '../support/packaging/gateway-pod.ts';
import { typeFaults } from '../support/packaging/manifest-types.ts';
import { manifestsIn, ofKind, schemaFaults } from '../support/packaging/manifests.ts';
import { NETWORK_RULES } from '../support/packaging/network-rules.ts';
import { POD_RULES } from '../support/packaging/pod-rules.ts';
import { Template } from '../support/packaging/template.ts';
import type { JsonMap } from '../support/packaging/template-words.ts';

const [sidecarTable] = ofKind(manifestsIn('config/kubernetes/sidecar'), 'ConfigMap');

const STANDALONE: JsonMap = { secrets: { 'database-url': 'postgres://turnpike@postgres/turnpike' } };

const SIDECAR: JsonMap = {
  mode: 'sidecar',
  config: sidecarTable?.data?.['gateway.yaml'] ?? '',
  secrets: { 'rpc-url': 'https://sepolia.base.org' },
  api: { container: { name: 'api', image: 'traefik/whoami:v1.10.3', args: ['--port=8080'] } },
};

const EVERYTHING: JsonMap = {
  ...STANDALONE,
  image: { tag: '0.1.0-test' },
  imagePullSecrets: [{ name: 'registry' }],
  service: { type: 'LoadBalancer', port: 8080, annotations: { a: 'b' } },
  serviceMonitor: { enabled: true, labels: { release: 'prometheus' } },
  ingress: { enabled: true, className: 'nginx', tlsSecret: 'api-tls', annotations: { e: 'f' } },
  env: [{ name: 'TZ', value: 'UTC' }],
  envFrom: [{ secretRef: { name: 'more' } }],
  extraVolumes: [{ name: 'ca', configMap: { name: 'ca' } }],
  extraVolumeMounts: [{ name: 'ca', mountPath: '/etc/ca', readOnly: true }],
  podAnnotations: { c: 'd' },
  nodeSelector: { 'kubernetes.io/arch': 'amd64' },
  tolerations: [{ key: 'dedicated', operator: 'Exists' }],
  affinity: { podAntiAffinity: {} },
};

const CASES: readonly (readonly [string, JsonMap])[] = [
  ['with a database', STANDALONE],
  ['as a sidecar', SIDECAR],
  ['with everything', EVERYTHING],
  ['as a sidecar with everything', { ...EVERYTHING, ...SIDECAR, persistence: { storageClassName: 'fast' } }],
];

describe.each(CASES)('the chart %s', (_name, values) => {
  const { manifests } = renderChart(values);

  it('renders to what the Kubernetes API knows', async () => {
    expect(schemaFaults(manifests)).toEqual([]);
    expect(await typeFaults(manifests)).toEqual([]);
  });

  it.each([...POD_RULES, ...NETWORK_RULES])('$promise', async ({ faults }) => {
    expect(faults(await gatewayPodOf(manifests))).toEqual([]);
  });
});

describe('the chart', () => {
  it('has the version of the package', () => {
    const chart = parse(readRepositoryFile('config/helm/turnpike/Chart.yaml'));
    expect([chart.version, chart.appVersion]).toEqual([manifest.version, manifest.version]);
  });

  it('makes no Secret beside an existing one', () => {
    const { manifests } = renderChart({ existingSecret: 'from-the-vault' });
    expect(ofKind(manifests, 'Secret')).toEqual([]);
    const [deployment] = ofKind(manifests, 'Deployment');
    const volumes = deployment?.spec?.template.spec?.volumes ?? [];
    expect(volumes.map(({ secret }) => secret?.secretName)).toContain('from-the-vault');
  });

  it('passes on the price table of its values unchanged', () => {
    const config = `# a comment\nlisten: 0.0.0.0:8402\nadmin: 0.0.0.0:9402\nstore: \${file:/db}\n\nroutes:\n  - { path: "/a", price: $1 }\n`;
    const [map] = ofKind(renderChart({ config }).manifests, 'ConfigMap');
    expect(map?.data?.['gateway.yaml']).toBe(config);
  });

  it('explains how to try it, and warns of an API that is reachable without paying', () => {
    expect(renderChart().notes).toMatch(/curl -i .*402[\s\S]*had for free\.\n$/);
    expect(renderChart(SIDECAR).notes).not.toMatch(/for free/);
    expect(renderChart({ ...SIDECAR, networkPolicy: { enabled: false } }).notes).toMatch(/without paying/);
  });

  const ADMIN = 'admin: 0.0.0.0:9402';

  it.each([
    ['a file', `${ADMIN}\nstore: sqlite:./turnpike.db`, /cannot share this `store`/],
    ['a memory', `store: "memory"\n${ADMIN}`, /cannot share this `store`/],
    ['the default store', `${ADMIN}\nroutes: []`, /need a `store`/],
  ])('refuses several replicas on %s, and takes one', (_, config, why) => {
    expect(() => renderChart({ config })).toThrow(why);
    expect(ofKind(renderChart({ config, replicas: 1 }).manifests, 'Deployment')).toHaveLength(1);
  });

  it.each([
    '',
    'admin: off',
    'admin: 127.0.0.1:9402',
    'admin: unix:/run/admin.sock',
    'admin: 0.0.0.0:9000',
  ])('refuses an admin listener that probes do not reach: %j', (admin) => {
    expect(() => renderChart({ config: `${admin}\nstore: \${file:/db}\n` })).toThrow(/probes of Kubernetes/);
  });

  it('replaces the pods when a key changes that a reload cannot change, and only then', () => {
    const restartOf = (config: string): unknown => {
      const [deployment] = ofKind(renderChart({ config }).manifests, 'Deployment');
      return deployment?.spec?.template.metadata?.annotations?.['turnpike/restart'];
    };
    const config = `${ADMIN}\nstore: \${file:/db}\n`;
    expect(restartOf(config)).toMatch(/^[0-9a-f]{64}$/);
    expect(restartOf(`${config}routes: []\n`)).toBe(restartOf(config));
    expect(restartOf(`${config}workers: 2\n`)).not.toBe(restartOf(config));
    const fixed = Object.values(PLAN_KEYS).flatMap((key) => (key.fixed === true ? [key.key] : []));
    const named = readRepositoryFile('config/helm/turnpike/templates/_helpers.tpl');
    expect(fixed.filter((key) => !named.includes(`"${key}"`))).toEqual([]);
  });

  it('has the labels and names that Prometheus and the ingress controller look for', () => {
    const { manifests } = renderChart(EVERYTHING);
    expect(ofKind(manifests, 'ServiceMonitor')[0]?.metadata?.labels).toMatchObject({ release: 'prometheus' });
    expect(ofKind(manifests, 'Ingress')[0]?.spec).toMatchObject({
      ingressClassName: 'nginx',
      rules: [{ host: 'api.example.com' }],
      tls: [{ hosts: ['api.example.com'], secretName: 'api-tls' }],
    });
  });

  it.each<JsonMap>([
    { mode: 'both' },
    { mode: 'sidecar' },
    { replica: 2 },
    { service: { port: '80' } },
    { ...SIDECAR, api: { container: { name: 'api', image: 'api', lifecycle: {} } } },
  ])('refuses the values %j', (values) => {
    expect(() => renderChart(values)).toThrow(/schemaPath/);
  });
});

describe('the templates that the chart is rendered with here', () => {
  const template = new Template({ twice: ([text]) => `${text}${text}` });

  it.each([
    ['a {{ .x }} b', 'a 1 b'],
    ['a\n  {{- .x }}\nb', 'a1\nb'],
    ['a {{ .x -}}\n\n b', 'a 1b'],
    ['{{ if .no }}a{{ else }}b{{ end }}', 'b'],
    ['{{- with .map }}{{ .y }}{{ $.x }}{{ end }}', '21'],
    ['{{ define "d" }}<{{ . }}>{{ end }}{{ include "d" (twice "a b") | twice }}', '<a ba b><a ba b>'],
    ['{{/* says nothing */}}{{ "q\\"|)" }}', 'q"|)'],
  ])('%j says %j', (text, said) => {
    expect(template.load(text)({ x: 1, no: {}, map: { y: 2 } })).toBe(said);
  });

  it.each([
    '{{ .missing }}',
    '{{ .x.y }}',
    '{{ range .map }}{{ end }}',
    '{{ thrice "a" }}',
    '{{ if .x }}',
    '{{ $v := 1 }}',
  ])('know no %j', (text) => {
    expect(() => template.load(text)({ x: 1, map: { y: 2 } })).toThrow();
  });
});

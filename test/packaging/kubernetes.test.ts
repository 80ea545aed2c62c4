import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import manifest from '../../package.json' with { type: 'json' };
import { readRepositoryFile } from '../support/docs/markdown.ts';
import { gatewayPodOf } from '../support/packaging/gateway-pod.ts';
import { typeFaults } from '../support/packaging/manifest-types.ts';
import {
  type Manifest,
  manifestFiles,
  manifestsIn,
  ofKind,
  parseManifests,
  schemaFaults,
} from '../support/packaging/manifests.ts';
import { NETWORK_RULES } from '../support/packaging/network-rules.ts';
import { POD_RULES } from '../support/packaging/pod-rules.ts';

const RULES = [...POD_RULES, ...NETWORK_RULES];
const VARIANTS = ['config/kubernetes/sidecar', 'config/kubernetes/standalone'];
const FOLDERS = [...VARIANTS, 'config/kubernetes/monitoring'];
const textOf = (folder: string): string =>
  manifestFiles(folder)
    .map((name) => readRepositoryFile(`${folder}/${name}`))
    .join('\n---\n');

describe.each(FOLDERS)('%s', (folder) => {
  const manifests = manifestsIn(folder);
  const kustomization: { readonly resources: string[]; readonly images?: { readonly newTag: string }[] } = parse(
    readRepositoryFile(`${folder}/kustomization.yaml`),
  );

  it('is what the schemas of the Kubernetes API ask for', () => {
    expect(manifests.length).toBeGreaterThan(1);
    expect(schemaFaults(manifests)).toEqual([]);
  });

  it('has no key that the Kubernetes API does not know', async () => {
    expect(await typeFaults(manifests)).toEqual([]);
  });

  it('is applied as a whole, with the version of this package', () => {
    expect([...kustomization.resources].sort()).toEqual(manifestFiles(folder).sort());
    for (const { newTag } of kustomization.images ?? []) expect(newTag).toBe(manifest.version);
  });
});

describe.each(VARIANTS)('the gateway of %s', (folder) => {
  it.each(RULES)('$promise', async ({ faults }) => {
    expect(faults(await gatewayPodOf(manifestsIn(folder)))).toEqual([]);
  });
});

describe('the standalone variant', () => {
  it('lets only the gateways reach the API', () => {
    const policies = ofKind(manifestsIn('config/kubernetes/standalone'), 'NetworkPolicy');
    const api = policies.find(({ metadata }) => metadata?.name === 'legacy-api');
    const peers = api?.spec?.ingress?.map(({ from }) => from);
    expect(peers).toEqual([[{ podSelector: { matchLabels: { 'app.kubernetes.io/name': 'turnpike' } } }]]);
  });

  it('runs several replicas', async () => {
    const { replicas } = await gatewayPodOf(manifestsIn('config/kubernetes/standalone'));
    expect(replicas).toBeGreaterThan(1);
  });
});

describe('the ServiceMonitor', () => {
  it('finds the admin Service of both variants and scrapes its metrics', () => {
    const [monitor] = ofKind(manifestsIn('config/kubernetes/monitoring'), 'ServiceMonitor');
    const wanted = monitor?.spec?.selector.matchLabels ?? {};
    const [endpoint] = monitor?.spec?.endpoints ?? [];
    for (const variant of VARIANTS) {
      const services = ofKind(manifestsIn(variant), 'Service').filter(({ metadata }) =>
        Object.entries(wanted).every(([name, value]) => metadata?.labels?.[name] === value),
      );
      expect(services.flatMap(({ spec }) => spec?.ports?.map(({ name }) => name))).toEqual([endpoint?.port]);
    }
    expect(endpoint?.path).toBe('/metrics');
  });
});

/** A mistake in the sidecar's manifests, and the words of the rule that has to find it. */
const MISTAKES: readonly (readonly [mistake: string, from: string, to: string, finds: RegExp])[] = [
  [
    'another port than that of the configuration',
    'containerPort: 8402',
    'containerPort: 8080',
    /not the port of listen/,
  ],
  ['an admin listener that probes do not reach', 'admin: 0.0.0.0:9402', 'admin: 127.0.0.1:9402', /out of reach/],
  ['a readiness probe that only asks for life', 'path: /readyz', 'path: /livez', /readinessProbe/],
  ['too little grace', 'GracePeriodSeconds: 90', 'GracePeriodSeconds: 60', /60 s of grace/],
  ['an end that comes before Services know', 'drainDelay: 5s', 'drainDelay: 1s', /while Services still send/],
  ['an init container that has to end', 'restartPolicy: Always', 'workingDir: /', /not a sidecar/],
  ['an API that ends at once', 'sleep: { seconds: 15 }', 'exec: { command: [/bin/true] }', /ends with the signal/],
  ['a root user', 'runAsUser: 10001', 'runAsUser: 0', /may run as root/],
  ['a root file system that can be written', 'readOnlyRootFilesystem: true', 'privileged: false', /not locked down/],
  ['memory without bounds', 'limits: { memory: 384Mi }', 'limits: {}', /no limit of memory/],
  ['a price table that never changes', '/etc/turnpike, readOnly: true', '/etc/turnpike, subPath: ""', /by subPath/],
  ['a ledger that goes with the pod', '- { name: ledger,', '- { name: secrets,', /goes with the pod/],
  ['two pods with one file', 'replicas: 1', 'replicas: 2', /more than one pod/],
  ['a Service on the API', 'port: 80, targetPort: http', 'port: 80, targetPort: 8080', /something else than http/],
  ['a policy that opens the API', 'port: 8402, protocol', 'port: 8080, protocol', /another port is open/],
  ['a budget that keeps nodes from being drained', 'maxUnavailable: 1', 'maxUnavailable: 0', /one pod at a time/],
];

describe('the rules', () => {
  const text = textOf('config/kubernetes/sidecar');

  it.each(MISTAKES)('find %s', async (_mistake, from, to, finds) => {
    expect(text).toContain(from);
    const pod = await gatewayPodOf(parseManifests(text.replace(from, to)));
    expect(RULES.flatMap(({ faults }) => faults(pod)).join('\n')).toMatch(finds);
  });

  it('find a price table that the gateway would not start with', async () => {
    const wrong = parseManifests(text.replace('price: $0.001', 'prise: $0.001'));
    await expect(gatewayPodOf(wrong)).rejects.toThrow(/prise/);
  });

  it('find a secret that is not mounted', async () => {
    const wrong = parseManifests(text.replace('rpc-url: https', 'rpc-uri: https'));
    await expect(gatewayPodOf(wrong)).rejects.toThrow(/rpc/);
  });

  it('find unknown keys and wrong values', async () => {
    const manifests: Manifest[] = parseManifests(text.replace('readOnlyRootFilesystem', 'readonlyRootFilesystem'));
    expect((await typeFaults(manifests)).join()).toMatch(/readonlyRootFilesystem/);
    expect(schemaFaults(parseManifests(text.replace('type: RuntimeDefault', 'type: Default'))).join()).toMatch(
      /allowed/,
    );
    expect(schemaFaults(parseManifests(text.replace('apiVersion: policy/v1', 'apiVersion: policy/v1beta1')))).toEqual([
      'PodDisruptionBudget priced-api: apiVersion is policy/v1',
    ]);
  });
});

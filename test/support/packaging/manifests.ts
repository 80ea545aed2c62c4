import { readdirSync } from 'node:fs';
import type { IPrometheusRule } from '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/PrometheusRule';
import { PrometheusRule } from '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/PrometheusRule';
import type { IServiceMonitor } from '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/ServiceMonitor';
import { ServiceMonitor } from '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/ServiceMonitor';
import { Deployment, type IDeployment } from 'kubernetes-models/apps/v1/Deployment';
import { type IStatefulSet, StatefulSet } from 'kubernetes-models/apps/v1/StatefulSet';
import { type IIngress, Ingress } from 'kubernetes-models/networking.k8s.io/v1/Ingress';
import { type INetworkPolicy, NetworkPolicy } from 'kubernetes-models/networking.k8s.io/v1/NetworkPolicy';
import { type IPodDisruptionBudget, PodDisruptionBudget } from 'kubernetes-models/policy/v1/PodDisruptionBudget';
import { ConfigMap, type IConfigMap } from 'kubernetes-models/v1/ConfigMap';
import { type INamespace, Namespace } from 'kubernetes-models/v1/Namespace';
import type { IPersistentVolumeClaim } from 'kubernetes-models/v1/PersistentVolumeClaim';
import { PersistentVolumeClaim } from 'kubernetes-models/v1/PersistentVolumeClaim';
import { type ISecret, Secret } from 'kubernetes-models/v1/Secret';
import { type IService, Service } from 'kubernetes-models/v1/Service';
import { parseAllDocuments } from 'yaml';
import { readRepositoryFile, repositoryPath } from '../docs/markdown.ts';

/** A Kubernetes object of a kind that the manifests and the chart use. */
export type Manifest =
  | IConfigMap
  | IDeployment
  | INamespace
  | IIngress
  | INetworkPolicy
  | IPersistentVolumeClaim
  | IPodDisruptionBudget
  | IPrometheusRule
  | ISecret
  | IService
  | IServiceMonitor
  | IStatefulSet;

/** A kind with its schema, and where its type comes from. */
interface Kind {
  readonly module: string;
  check(manifest: Manifest): void;
}

const MONITORING = '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1';

const KINDS: { readonly [K in Manifest['kind']]: Kind } = {
  ConfigMap: { module: 'kubernetes-models/v1', check: checked('ConfigMap', ConfigMap) },
  Deployment: { module: 'kubernetes-models/apps/v1', check: checked('Deployment', Deployment) },
  Ingress: { module: 'kubernetes-models/networking.k8s.io/v1', check: checked('Ingress', Ingress) },
  Namespace: { module: 'kubernetes-models/v1', check: checked('Namespace', Namespace) },
  NetworkPolicy: { module: 'kubernetes-models/networking.k8s.io/v1', check: checked('NetworkPolicy', NetworkPolicy) },
  PersistentVolumeClaim: {
    module: 'kubernetes-models/v1',
    check: checked('PersistentVolumeClaim', PersistentVolumeClaim),
  },
  PodDisruptionBudget: {
    module: 'kubernetes-models/policy/v1',
    check: checked('PodDisruptionBudget', PodDisruptionBudget),
  },
  PrometheusRule: { module: MONITORING, check: checked('PrometheusRule', PrometheusRule) },
  Secret: { module: 'kubernetes-models/v1', check: checked('Secret', Secret) },
  Service: { module: 'kubernetes-models/v1', check: checked('Service', Service) },
  ServiceMonitor: { module: MONITORING, check: checked('ServiceMonitor', ServiceMonitor) },
  StatefulSet: { module: 'kubernetes-models/apps/v1', check: checked('StatefulSet', StatefulSet) },
};

/** The documents of a YAML text; throws on one that is no YAML or of a kind that is not known here. */
export function parseManifests(text: string): Manifest[] {
  return parseAllDocuments(text).flatMap((document) => {
    if (document.errors.length > 0) throw new Error(document.errors.map(({ message }) => message).join('\n'));
    const manifest: Manifest | null = document.toJS();
    if (manifest === null) return [];
    if (!Object.hasOwn(KINDS, manifest.kind)) throw new Error(`no schema for the kind ${manifest.kind}`);
    return [manifest];
  });
}

/** The manifests of a folder, without its `kustomization.yaml`; `folder` from the repository's root. */
export function manifestsIn(folder: string): Manifest[] {
  return manifestFiles(folder).flatMap((name) => parseManifests(readRepositoryFile(`${folder}/${name}`)));
}

/** The names of a folder's manifest files. */
export function manifestFiles(folder: string): string[] {
  return readdirSync(repositoryPath(folder)).filter((name) => name !== 'kustomization.yaml');
}

/** What the Kubernetes schema says against each manifest. */
export function schemaFaults(manifests: readonly Manifest[]): string[] {
  return manifests.flatMap((manifest) => {
    try {
      KINDS[manifest.kind].check(manifest);
      return [];
    } catch (fault) {
      return [`${nameOf(manifest)}: ${fault instanceof Error ? fault.message : String(fault)}`];
    }
  });
}

/** TypeScript that declares each manifest as a literal of its type: there, a key that the type does not have is an error. */
export function typedSource(manifests: readonly Manifest[]): string {
  return manifests
    .map((manifest, index) => {
      const type = `import('${KINDS[manifest.kind].module}/${manifest.kind}').I${manifest.kind}`;
      return `export const manifest${index}: ${type} = ${JSON.stringify(manifest, null, 2)};\n`;
    })
    .join('\n');
}

/** A manifest's kind and name, for messages. */
export function nameOf(manifest: Manifest): string {
  return `${manifest.kind} ${manifest.metadata?.name ?? '?'}`;
}

/** The manifests of one kind. */
export function ofKind<K extends Manifest['kind']>(
  manifests: readonly Manifest[],
  kind: K,
): Extract<Manifest, { kind: K }>[] {
  return manifests.filter((manifest): manifest is Extract<Manifest, { kind: K }> => manifest.kind === kind);
}

function checked<K extends Manifest['kind']>(
  kind: K,
  Model: {
    readonly apiVersion: string;
    new (data: Extract<Manifest, { kind: K }>): { validate(): void };
  },
): (manifest: Manifest) => void {
  return (manifest) => {
    const [own] = ofKind([manifest], kind);
    if (own === undefined) throw new Error(`is no ${kind}`);
    // The model overwrites it with its own.
    if (own.apiVersion !== Model.apiVersion) throw new Error(`apiVersion is ${Model.apiVersion}`);
    new Model(own).validate();
  };
}

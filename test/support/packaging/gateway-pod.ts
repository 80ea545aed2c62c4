import type { IContainer } from 'kubernetes-models/v1/Container';
import type { IPodSpec } from 'kubernetes-models/v1/PodSpec';
import { loadConfig } from '../../../src/config/load.ts';
import { renderProblem } from '../../../src/config/problem.ts';
import type { Plan } from '../../../src/domain/plan.ts';
import { loadSchemes } from '../../../src/registry.ts';
import { type Manifest, ofKind } from './manifests.ts';

/** Where the arguments of the container name the configuration. */
const CONFIG_FILE = '/etc/turnpike/gateway.yaml';

/** Pod labels, or the labels of a selector. */
export type Labels = Readonly<Record<string, string>>;

/** The one pod template of a deployment that holds the gateway, with what the gateway in it would run on. */
export interface GatewayPod {
  readonly manifests: readonly Manifest[];
  readonly kind: 'Deployment' | 'StatefulSet';
  readonly replicas: number;
  readonly selector: Labels;
  readonly labels: Labels;
  readonly spec: IPodSpec;
  /** Names of the volumes that outlive a pod. */
  readonly claims: readonly string[];
  readonly gateway: IContainer;
  /** Whether the gateway is a native sidecar: an init container that goes on running. */
  readonly sidecar: boolean;
  readonly plan: Plan;
}

/** Finds the gateway among the manifests and reads its configuration as it would, out of its mounted volumes. */
export async function gatewayPodOf(manifests: readonly Manifest[]): Promise<GatewayPod> {
  const workloads = [...ofKind(manifests, 'Deployment'), ...ofKind(manifests, 'StatefulSet')];
  const [workload, ...others] = workloads;
  const spec = workload?.spec?.template.spec;
  if (workload?.spec === undefined || spec === undefined || others.length > 0) throw new Error('not one workload');
  const isGateway = ({ name }: IContainer): boolean => name === 'gateway';
  const init = spec.initContainers?.find(isGateway);
  const gateway = init ?? spec.containers.find(isGateway);
  if (gateway === undefined) throw new Error('no container named gateway');
  const claimed = spec.volumes?.filter(({ persistentVolumeClaim }) => persistentVolumeClaim !== undefined) ?? [];
  const templates = 'volumeClaimTemplates' in workload.spec ? (workload.spec.volumeClaimTemplates ?? []) : [];
  return {
    manifests,
    kind: workload.kind,
    replicas: workload.spec.replicas ?? 1,
    selector: workload.spec.selector.matchLabels ?? {},
    labels: workload.spec.template.metadata?.labels ?? {},
    spec,
    claims: [...claimed.map(({ name }) => name), ...templates.map(({ metadata }) => metadata?.name ?? '')],
    gateway,
    sidecar: init !== undefined,
    plan: await planOf(manifests, spec, gateway),
  };
}

async function planOf(manifests: readonly Manifest[], spec: IPodSpec, gateway: IContainer): Promise<Plan> {
  const loaded = loadConfig({
    file: CONFIG_FILE,
    env: Object.fromEntries(gateway.env?.map(({ name, value }) => [name, value ?? 'from-elsewhere']) ?? []),
    readFile: (path) => readMounted(path, manifests, spec, gateway),
    schemes: await loadSchemes(),
  });
  if (!loaded.ok) throw new Error(loaded.problems.map(renderProblem).join('\n'));
  return loaded.plan;
}

/** The content that a path of the container has through the volumes that are mounted into it. */
function readMounted(path: string, manifests: readonly Manifest[], spec: IPodSpec, gateway: IContainer): string {
  const mount = gateway.volumeMounts?.find(({ mountPath }) => path.startsWith(`${mountPath}/`));
  const volume = spec.volumes?.find(({ name }) => name === mount?.name);
  const key = path.slice((mount?.mountPath.length ?? 0) + 1);
  const map = ofKind(manifests, 'ConfigMap').find(({ metadata }) => metadata?.name === volume?.configMap?.name);
  const secret = ofKind(manifests, 'Secret').find(({ metadata }) => metadata?.name === volume?.secret?.secretName);
  const content = volume?.configMap === undefined ? secret?.stringData?.[key] : map?.data?.[key];
  if (content === undefined) throw new Error(`nothing is mounted at ${path}`);
  return content;
}

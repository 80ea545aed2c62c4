import type { IContainer } from 'kubernetes-models/v1/Container';
import type { IProbe } from 'kubernetes-models/v1/Probe';
import type { ListenAddress } from '../../../src/domain/plan.ts';
import type { GatewayPod } from './gateway-pod.ts';

/** What the gateway needs after its last request to close settlements and store, in seconds. */
const CLOSING_S = 15;
/** How long Services may take to forget a pod that ends, in milliseconds: so long connections are taken as before. */
const FORGET_MS = 5000;

/** Something that every deployment of the gateway has to keep. */
export interface Rule {
  readonly promise: string;
  /** What is wrong, in words; nothing when the rule is kept. */
  readonly faults: (pod: GatewayPod) => readonly string[];
}

/** The faults among `[is wrong, what]` pairs. */
export function faults(...checks: readonly (readonly [wrong: boolean, what: string])[]): string[] {
  return checks.flatMap(([wrong, what]) => (wrong ? [what] : []));
}

/** What holds for the pod itself. */
export const POD_RULES: readonly Rule[] = [
  {
    promise: 'listens, for buyers and for probes, on the ports that the container names',
    faults: ({ gateway, plan }) =>
      faults(
        [portOf(plan.listen) !== portNamed(gateway, 'http'), 'http is not the port of listen'],
        [
          plan.admin === undefined || portOf(plan.admin) !== portNamed(gateway, 'admin'),
          'admin is not the port of admin',
        ],
        [hostOf(plan.listen) !== '0.0.0.0' || hostOf(plan.admin) !== '0.0.0.0', 'out of reach from outside of the pod'],
      ),
  },
  {
    promise: 'is probed on the admin port: alive and started by /livez, ready by /readyz',
    faults: ({ gateway }) =>
      faults(
        [!probes(gateway.startupProbe, '/livez'), 'startupProbe'],
        [!probes(gateway.livenessProbe, '/livez'), 'livenessProbe'],
        [!probes(gateway.readinessProbe, '/readyz'), 'readinessProbe'],
      ),
  },
  {
    promise: 'gets the time to finish what is in flight before it is killed',
    faults: ({ spec, plan, sidecar }) => {
      const before = sidecar ? longestPreStop(spec.containers) : 0;
      const needed = before + plan.drainTimeoutMs / 1000 + CLOSING_S;
      const given = spec.terminationGracePeriodSeconds ?? 30;
      return faults(
        [given <= needed, `${given} s of grace are no more than the ${needed} s it may need`],
        [plan.drainDelayMs < FORGET_MS, 'refuses connections while Services still send them'],
      );
    },
  },
  {
    promise: 'as a sidecar, runs before the API and is outlived by no request: the API waits before it ends',
    faults: ({ gateway, spec, sidecar }) =>
      !sidecar
        ? []
        : faults(
            [gateway.restartPolicy !== 'Always', 'an init container that is not a sidecar'],
            [spec.containers.some((container) => preStopOf(container) === 0), 'the API ends with the signal'],
          ),
  },
  {
    promise: 'keeps the restricted Pod Security Standard, with a root file system that nobody can write',
    faults: ({ spec }) => {
      const { securityContext } = spec;
      const containers = [...(spec.initContainers ?? []), ...spec.containers];
      return faults(
        [securityContext?.runAsNonRoot !== true || !((securityContext.runAsUser ?? 0) > 0), 'may run as root'],
        [securityContext?.seccompProfile?.type !== 'RuntimeDefault', 'has no seccomp profile'],
        [spec.automountServiceAccountToken !== false, "carries the service account's token"],
        ...containers.map(({ name, securityContext: own }) => {
          const dropped = own?.capabilities?.drop?.includes('ALL') === true && own.capabilities.add === undefined;
          const locked = own?.allowPrivilegeEscalation === false && own.readOnlyRootFilesystem === true;
          return [!dropped || !locked, `${name} is not locked down`] as const;
        }),
      );
    },
  },
  {
    promise: 'says what it needs, and bounds its memory',
    faults: ({ gateway: { resources } }) =>
      faults(
        [resources?.requests?.['cpu'] === undefined || resources.requests['memory'] === undefined, 'no requests'],
        [resources?.limits?.['memory'] === undefined, 'no limit of memory'],
      ),
  },
  {
    promise: 'mounts whole folders of volumes that exist, so that a changed price table reaches it',
    faults: ({ gateway, spec, claims }) => {
      const known = [...(spec.volumes?.map(({ name }) => name) ?? []), ...claims];
      return (gateway.volumeMounts ?? []).flatMap(({ name, subPath }) =>
        faults([!known.includes(name), `no volume ${name}`], [subPath !== undefined, `${name} by subPath`]),
      );
    },
  },
  {
    promise: 'keeps the ledger where it outlives the pod, and shares it where there are replicas',
    faults: ({ plan: { store }, kind, replicas, gateway, claims }) => {
      if (store.kind !== 'sqlite') return faults([store.kind !== 'postgres', `store: ${store.kind}`]);
      const mount = gateway.volumeMounts?.find(({ mountPath }) => store.location.startsWith(`${mountPath}/`));
      return faults(
        [mount === undefined || !claims.includes(mount.name) || mount.readOnly === true, 'the file goes with the pod'],
        [replicas !== 1 || kind !== 'StatefulSet', 'more than one pod may have the file'],
      );
    },
  },
];

/** The number of a container's port. */
export function portNamed({ ports }: IContainer, name: string): number | undefined {
  return ports?.find((port) => port.name === name)?.containerPort;
}

function probes(probe: IProbe | undefined, path: string): boolean {
  return probe?.httpGet?.path === path && probe.httpGet.port === 'admin';
}

function longestPreStop(containers: readonly IContainer[]): number {
  return Math.max(...containers.map(preStopOf));
}

function preStopOf({ lifecycle }: IContainer): number {
  return lifecycle?.preStop?.sleep?.seconds ?? 0;
}

/** The port of a listener on TCP. */
export function portOf(address: ListenAddress | undefined): number | undefined {
  return address?.kind === 'tcp' ? address.port : undefined;
}

function hostOf(address: ListenAddress | undefined): string | undefined {
  return address?.kind === 'tcp' ? address.host : undefined;
}

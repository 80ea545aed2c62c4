import type { GatewayPod, Labels } from './gateway-pod.ts';
import { ofKind } from './manifests.ts';
import { faults, portNamed, type Rule } from './pod-rules.ts';

/** What holds for the objects around the pod. */
export const NETWORK_RULES: readonly Rule[] = [
  {
    promise: 'is reached by buyers through one Service with one port, the public one',
    faults: (pod) => {
      const [service, ...others] = servicesOf(pod).filter(({ spec }) => spec?.clusterIP !== 'None');
      const ports = service?.spec?.ports ?? [];
      return faults(
        [service === undefined || others.length > 0, 'not one Service'],
        [ports.length !== 1 || ports[0]?.targetPort !== 'http', 'exposes something else than http'],
      );
    },
  },
  {
    promise: 'is reached by Prometheus through a Service without an address that has the admin port only',
    faults: (pod) => {
      const headless = servicesOf(pod).filter(({ spec }) => spec?.clusterIP === 'None');
      const wrong = headless.filter(({ metadata, spec }) => {
        const [port, ...more] = spec?.ports ?? [];
        const found = metadata?.labels?.['app.kubernetes.io/component'] === 'admin';
        return more.length > 0 || port?.targetPort !== 'admin' || port.name !== 'admin' || !found;
      });
      return faults([headless.length !== 1, 'not one headless Service'], [wrong.length > 0, 'exposes something else']);
    },
  },
  {
    promise: 'is closed by a NetworkPolicy on every port but the public one, and the admin port for a namespace',
    faults: (pod) => {
      const policies = ofKind(pod.manifests, 'NetworkPolicy').filter(({ spec }) => covers(spec?.podSelector, pod));
      const rules = policies.flatMap(({ spec }) => spec?.ingress ?? []);
      const open = rules.flatMap(({ ports, from }) => (ports ?? [{}]).map(({ port }) => ({ port, from })));
      const [http, admin] = [portNamed(pod.gateway, 'http'), portNamed(pod.gateway, 'admin')];
      return faults(
        [!policies.some(({ spec }) => spec?.policyTypes?.includes('Ingress')), 'no policy'],
        [!open.some(({ port }) => port === http), 'buyers are kept out'],
        [open.some(({ port, from }) => port === admin && (from ?? []).length === 0), 'anybody reaches the admin port'],
        [open.some(({ port }) => port !== http && port !== admin), 'another port is open'],
      );
    },
  },
  {
    promise: 'is selected by its workload, and by a disruption budget that lets nodes be drained',
    faults: (pod) => {
      const budgets = ofKind(pod.manifests, 'PodDisruptionBudget').filter(({ spec }) => covers(spec?.selector, pod));
      return faults(
        [!matches(pod.selector, pod.labels), 'the workload does not select its pods'],
        [budgets.length !== 1, 'not one budget'],
        [budgets.some(({ spec }) => spec?.maxUnavailable !== 1), 'the budget is not one pod at a time'],
      );
    },
  },
];

function servicesOf(pod: GatewayPod) {
  return ofKind(pod.manifests, 'Service').filter(({ spec }) => matches(spec?.selector ?? {}, pod.labels));
}

function covers(selector: { readonly matchLabels?: Labels } | undefined, pod: GatewayPod): boolean {
  return selector !== undefined && matches(selector.matchLabels ?? {}, pod.labels);
}

function matches(selector: Labels, labels: Labels): boolean {
  return Object.entries(selector).every(([name, value]) => labels[name] === value);
}

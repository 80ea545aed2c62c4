import { callsOf, funnelOf } from '../../admin/funnel.ts';
import { networkName, readAssetTable } from '../../config/asset-table.ts';
import { describeRoutes } from '../../config/describe.ts';
import { settledNetworks } from '../../registry.ts';
import { AdminRefusal } from './admin-refusal.ts';
import type { ApiCall } from './api-call.ts';
import type { AdminSources } from './sources.ts';

/** Checks of a facilitator: with several workers, each has its own. */
const OF_FACILITATOR = /^(?:worker \d+: )?facilitator /;

/** Views of the running gateway. */
export class GatewayViews {
  readonly #sources: AdminSources;
  readonly #table = readAssetTable();

  constructor(sources: AdminSources) {
    this.#sources = sources;
  }

  /** What the page needs before it shows anything. */
  status() {
    const { plan, checks, reloads } = this.#sources;
    const { adminPage, store, workers } = plan();
    return {
      now: new Date(this.#sources.clock()).toISOString(),
      /** Whether this page can change something. */
      actions: adminPage?.token !== undefined,
      store: store.kind,
      workers,
      reloads: reloads !== undefined,
      checks: checks(),
    };
  }

  /** How far requests came, since the start of the processes. */
  async funnel() {
    return { routes: funnelOf(await this.#sources.counters()) };
  }

  /** Routes and prices in force. */
  routes() {
    const plan = this.#sources.plan();
    const named = describeRoutes(plan).map((route) => ({
      ...route,
      offers: route.offers.map((offer) => ({ ...offer, networkName: networkName(this.#table, offer.network) })),
    }));
    return { unmatched: plan.unmatched.kind, routes: named };
  }

  /** The results of reading the configuration file. */
  configuration() {
    const { checks, reloads } = this.#sources;
    return {
      detail: checks().find(({ name }) => name === 'configuration')?.detail ?? null,
      history: (reloads?.history() ?? []).map(({ at, ...event }) => ({ at: new Date(at).toISOString(), ...event })),
    };
  }

  /** The facilitators in order of preference, their calls, and their faults. */
  async facilitators() {
    const { plan, checks, counters } = this.#sources;
    const calls = callsOf(await counters());
    return {
      facilitators: plan().facilitators.map((spec) => ({
        name: spec.name,
        kind: spec.kind,
        networks: settledNetworks(spec)?.map((network) => networkName(this.#table, network)) ?? null,
        calls: calls.filter(({ facilitator }) => facilitator === spec.name),
      })),
      checks: checks().filter(({ name }) => OF_FACILITATOR.test(name)),
    };
  }

  /** What the gateway would do with a request, as `turnpike explain --json` prints it. */
  async explain(call: ApiCall) {
    // The code that serves requests is large, for a process that serves none.
    const [{ explainRequest }, { imagine, readHeader, readMethod, splitUrl }] = await Promise.all([
      import('../explain/explanation.ts'),
      import('../explain/request-text.ts'),
    ]);
    const method = readMethod(call.required('method'));
    const address = splitUrl(call.required('url'));
    const headers = (call.optional('headers') ?? '')
      .split('\n')
      .filter((line) => line.trim() !== '')
      .map(readHeader);
    if (method === undefined) throw new AdminRefusal('bad_request', 'method is no method');
    if (address === undefined) throw new AdminRefusal('bad_request', 'url has no host');
    const sound = headers.filter((header) => header !== undefined);
    if (sound.length !== headers.length)
      throw new AdminRefusal('bad_request', 'a header is not of the form name: value');
    const plan = this.#sources.plan();
    const body = call.optional('body');
    const imagined = imagine(plan, { method, ...address, headers: sound, body: body === '' ? undefined : body });
    return await explainRequest(plan, this.#sources.registry, imagined);
  }
}

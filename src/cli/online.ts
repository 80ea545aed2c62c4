import request from 'undici/lib/api/api-request.js';
import Client from 'undici/lib/dispatcher/client.js';
import type { FacilitatorSpec } from '../domain/facilitator-spec.ts';
import type { Network } from '../domain/network.ts';
import type { Plan } from '../domain/plan.ts';
import { offersOf, upstreamsOf } from '../domain/plan-parts.ts';
import { serverName, serverText, type Upstream, type UpstreamServer } from '../domain/upstream.ts';
import { describeCause } from '../observe/cause.ts';
import { ServerHealth } from '../proxy/server-health.ts';
import { connectorTo } from '../proxy/upstream-connector.ts';
import { FacilitatorOpener, loadWitness, type Registry } from '../registry.ts';
import { faultText } from './fault-text.ts';

/** How long each answer may take, in milliseconds. All are asked at once. */
const ASK_WITHIN_MS = 10_000;

/** The answer of a service that the gateway needs. */
export interface OnlineAnswer {
  readonly kind: 'facilitator' | 'node' | 'upstream' | 'offers';
  /** Without paths of nodes, which may hold keys. */
  readonly name: string;
  readonly ok: boolean;
  /** What it said, or why there was no answer. */
  readonly said: string;
}

/** Asks every facilitator, node and server of an upstream of a plan once. Moves nothing, and changes nothing. */
export async function askOnline(plan: Plan, registry: Registry): Promise<readonly OnlineAnswer[]> {
  const listed = new Set<string>();
  const opener = new FacilitatorOpener(registry);
  await opener.load(plan.facilitators);
  const facilitators = plan.facilitators.map((spec) => askFacilitator(spec, opener, listed));
  const nodes = nodesOf(plan);
  const [asked, payees] = await Promise.all([
    Promise.all([...facilitators, ...nodes.map(askNode), ...serversOf(plan).map(askServer)]),
    Promise.all(nodes.map((node) => unpayable(plan, node))),
  ]);
  return [...asked, ...unlisted(plan, listed, asked), ...payees.flat()];
}

/** Offers whose payments cannot arrive, as far as a node answers: its own line says where it does not. */
async function unpayable(plan: Plan, { network, url, proxy }: AskedNode): Promise<readonly OnlineAnswer[]> {
  const offers = offersOf(plan).filter((offer) => offer.network === network);
  const payees = new Map(offers.map(({ payTo, asset }) => [`${payTo} ${asset.address}`, { payTo, asset }]));
  const openWitness = await loadWitness(network);
  const witness = openWitness(network, url, Date.now, proxy);
  const answers = [...payees.values()].map(async ({ payTo, asset }): Promise<readonly OnlineAnswer[]> => {
    const signal = AbortSignal.timeout(ASK_WITHIN_MS);
    const said = await witness.payeeProblem?.(payTo, asset.address, signal).catch(() => undefined);
    return said === undefined ? [] : [{ kind: 'offers', name: `${asset.symbol} on ${network}`, ok: false, said }];
  });
  return (await Promise.all(answers)).flat();
}

async function askFacilitator(
  spec: FacilitatorSpec,
  opener: FacilitatorOpener,
  listed: Set<string>,
): Promise<OnlineAnswer> {
  const { name } = spec;
  const facilitator = opener.open(spec);
  try {
    const kinds = await facilitator.supported(AbortSignal.timeout(ASK_WITHIN_MS));
    for (const { scheme, network } of kinds) listed.add(`${scheme} on ${network}`);
    const texts = [...new Set(kinds.map(({ scheme, network }) => `${scheme} on ${network}`))];
    return {
      kind: 'facilitator',
      name,
      ok: true,
      said: texts.length === 0 ? 'lists nothing' : `lists ${shortened(texts)}`,
    };
  } catch (fault) {
    return { kind: 'facilitator', name, ok: false, said: faultText(fault) };
  } finally {
    await facilitator.close();
  }
}

/** Offers that no facilitator lists. While one facilitator does not answer, nothing is known about them. */
function unlisted(plan: Plan, listed: ReadonlySet<string>, asked: readonly OnlineAnswer[]): readonly OnlineAnswer[] {
  if (asked.some(({ kind, ok }) => kind === 'facilitator' && !ok)) return [];
  const needed = new Set(offersOf(plan).map(({ scheme, network }) => `${scheme} on ${network}`));
  const missing = [...needed].filter((kind) => !listed.has(kind));
  return missing.map((name) => ({ kind: 'offers', name, ok: false, said: 'is sold, and no facilitator lists it' }));
}

/** A node, and the network that it should serve. */
interface AskedNode {
  readonly network: Network;
  readonly url: string;
  readonly proxy: string | undefined;
}

function nodesOf(plan: Plan): readonly AskedNode[] {
  const sold = new Set(offersOf(plan).map(({ network }) => network));
  const nodes = new Map<string, AskedNode>();
  for (const spec of plan.facilitators) {
    const ofPublic =
      spec.kind === 'remote' ? [...(spec.publicNodes ?? [])].filter(([network]) => sold.has(network)) : [];
    for (const [network, url] of [...spec.rpc, ...ofPublic])
      nodes.set(url, { network, url, proxy: spec.proxies?.get(url) });
  }
  return [...nodes.values()];
}

async function askNode({ network, url, proxy }: AskedNode): Promise<OnlineAnswer> {
  const name = `${new URL(url).host} of ${network}`;
  try {
    const chain = await servedChain({ network, url, proxy }, AbortSignal.timeout(ASK_WITHIN_MS));
    return { kind: 'node', name, ok: chain === network, said: `serves chain ${chain.replace(/^eip155:/, '')}` };
  } catch (fault) {
    // A chain's client names the whole URL of its node, which may hold a key.
    const [said = 'no answer'] = describeCause(fault)?.split('\n') ?? [];
    return { kind: 'node', name, ok: false, said };
  }
}

/** The CAIP-2 name of the chain that a node says it serves. */
async function servedChain({ network, url, proxy }: AskedNode, signal: AbortSignal): Promise<string> {
  const openWitness = await loadWitness(network);
  return await openWitness(network, url, Date.now, proxy).servedChain(signal);
}

/** A server, and the upstream that says how it is asked. */
interface AskedServer {
  readonly upstream: Upstream;
  readonly server: UpstreamServer;
}

function serversOf(plan: Plan): readonly AskedServer[] {
  const servers = new Map<string, AskedServer>();
  for (const upstream of upstreamsOf(plan))
    for (const server of upstream.servers) servers.set(serverText(server), { upstream, server });
  return [...servers.values()];
}

/** Any status counts as an answer: an API may have anything at its root. */
async function askServer({ upstream, server }: AskedServer): Promise<OnlineAnswer> {
  const name = serverText(server);
  const health = new ServerHealth(serverName(server), Date.now);
  const client = new Client(server.origin, { connect: connectorTo(upstream, server, health), allowH2: false });
  try {
    const { statusCode, headers, body } = await request.call(client, {
      path: server.basePath || '/',
      method: 'GET',
      headers: Object.fromEntries(upstream.headers),
      signal: AbortSignal.timeout(ASK_WITHIN_MS),
    });
    body.destroy();
    body.on('error', () => undefined);
    const { location } = headers;
    const target = typeof location === 'string' ? `, a redirect to ${printableUrl(location)}` : '';
    return { kind: 'upstream', name, ok: true, said: `answers ${statusCode}${target}` };
  } catch (fault) {
    return { kind: 'upstream', name, ok: false, said: faultText(fault) };
  } finally {
    await client.destroy();
  }
}

/** Leaves out the query, which may hold a key, and characters that control a terminal. */
function printableUrl(location: string): string {
  const [target = ''] = location.replace(/[^\x21-\x7e]/g, '').split(/[?#]/);
  return target.slice(0, 200);
}

function shortened(texts: readonly string[]): string {
  const most = 8;
  return texts.length <= most ? texts.join(', ') : `${texts.slice(0, most).join(', ')} and ${texts.length - most} more`;
}

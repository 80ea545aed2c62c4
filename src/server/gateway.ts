import { randomBytes, randomUUID } from 'node:crypto';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Offer } from '../domain/offer.ts';
import type { ListenAddress, Plan } from '../domain/plan.ts';
import type { Logger } from '../observe/log.ts';
import { createRequestLog } from '../observe/log.ts';
import { createMetrics } from '../observe/metrics.ts';
import type { Observer } from '../observe/observer.ts';
import type { Services } from '../pipeline/runtime.ts';
import { openFacilitator, openLedger, protocols } from '../registry.ts';
import type { Scheme } from '../scheme/scheme.ts';
import type { Ledger } from '../store/ledger.ts';
import { createAdminListener, type ReadinessCheck } from './admin-listener.ts';
import { createPublicListener } from './public-listener.ts';
import { type OpenRuntime, openRuntime } from './runtime.ts';

/** How long the facilitators may take to say what they support before the gateway listens without knowing. */
const FIRST_SUPPORTED_MS = 10_000;

/** What a gateway runs with besides its plan. */
export interface GatewayDeps {
  readonly schemes: readonly Scheme[];
  readonly log: Logger;
  /** Unix milliseconds. */
  readonly clock?: () => number;
  /** Default: what the plan names. */
  readonly ledger?: Ledger;
}

/** A gateway that listens. */
export interface Gateway {
  /** `http://host:port` of the public listener. */
  readonly url: string;
  /** `http://host:port` of the admin listener. */
  readonly adminUrl: string | undefined;
  /** Stops taking requests, finishes those in flight within the plan's `drainTimeout`, lets go of everything. */
  close(): Promise<void>;
}

/** The configuration asks for something that the facilitators, once asked, do not do. */
export class UnservedOfferError extends Error {
  override readonly name = 'UnservedOfferError';
}

/**
 * Starts a gateway. A facilitator that cannot be reached does not keep it from starting: priced routes answer 503 until
 * it can, free ones work.
 *
 * @throws UnservedOfferError when every facilitator answered and none serves some offer
 */
export async function startGateway(plan: Plan, deps: GatewayDeps): Promise<Gateway> {
  const { log, schemes, clock = Date.now } = deps;
  const metrics = createMetrics();
  const ledger = deps.ledger ?? openLedger(plan.store);
  const runtime = openRuntime(plan, openFacilitator, (facilitator, operation, fault) =>
    log.warn({ facilitator: facilitator.name, operation, fault: String(fault) }, 'facilitator fault'),
  );
  const observer = fanOut([metrics, createRequestLog(log)]);
  const services: Services = {
    owner: randomUUID(),
    ledger,
    observer,
    schemes,
    protocols,
    clock,
    newRequestId,
    runtime: () => runtime,
  };
  try {
    await runtime.facilitators.refresh(AbortSignal.timeout(FIRST_SUPPORTED_MS));
    refuseUnserved(runtime);
    return await listen(plan, services, runtime, metrics);
  } catch (fault) {
    await Promise.all([runtime.close(), ledger.close()]);
    throw fault;
  }
}

async function listen(
  plan: Plan,
  services: Services,
  runtime: OpenRuntime,
  metrics: ReturnType<typeof createMetrics>,
): Promise<Gateway> {
  let draining = false;
  const server = createPublicListener(services, plan.limits.headerBytes);
  const admin = plan.admin && createAdminListener(metrics, () => readiness(runtime, draining));
  const url = await listenOn(server, plan.listen);
  const adminUrl = admin && plan.admin && (await listenOn(admin, plan.admin));
  return {
    url,
    adminUrl,
    async close() {
      draining = true;
      await drain(server, plan.drainTimeoutMs);
      await runtime.close();
      await services.ledger.close();
      admin?.closeAllConnections();
      admin?.close();
    },
  };
}

function listenOn(server: Server, { host, port }: ListenAddress): Promise<string> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve(urlOf(server.address()));
    });
  });
}

function urlOf(address: AddressInfo | string | null): string {
  if (address === null || typeof address === 'string') throw new Error('the listener has no address');
  const host = address.family === 'IPv6' ? `[${address.address}]` : address.address;
  return `http://${host}:${address.port}`;
}

/** Lets requests in flight finish; what is still open after `timeoutMs` is cut. */
async function drain(server: Server, timeoutMs: number): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  const timer = setTimeout(() => server.closeAllConnections(), timeoutMs);
  await closed;
  clearTimeout(timer);
}

function readiness(runtime: OpenRuntime, draining: boolean): ReadinessCheck[] {
  const offers = offersOf(runtime.plan);
  const checks = new Map<string, ReadinessCheck>();
  for (const offer of offers) {
    const name = `facilitator for ${offer.scheme} on ${offer.network}`;
    const ready = runtime.facilitators.covers(offer);
    checks.set(name, ready ? { name, ready } : { name, ready, detail: 'none that serves it has been reached' });
  }
  return [
    { name: 'configuration', ready: true },
    ...checks.values(),
    draining
      ? { name: 'accepting requests', ready: false, detail: 'draining' }
      : { name: 'accepting requests', ready: true },
  ];
}

function refuseUnserved(runtime: OpenRuntime): void {
  const { plan, facilitators } = runtime;
  if (!facilitators.allReached) return;
  const unserved = offersOf(plan).filter((offer) => !facilitators.covers(offer));
  if (unserved.length === 0) return;
  const kinds = [...new Set(unserved.map((offer) => `${offer.scheme} on ${offer.network}`))].join(', ');
  const names = plan.facilitators.map((facilitator) => facilitator.name).join(', ');
  throw new UnservedOfferError(`no facilitator serves ${kinds}; asked: ${names}`);
}

function offersOf(plan: Plan): readonly Offer[] {
  return plan.routes.flatMap(({ price }) => (price.kind === 'priced' ? price.offers : []));
}

function fanOut(observers: readonly Observer[]): Observer {
  return {
    requestFinished(summary) {
      for (const observer of observers) observer.requestFinished(summary);
    },
  };
}

/** 96 random bits: unique in logs, says nothing about the traffic. */
function newRequestId(): string {
  return randomBytes(12).toString('hex');
}

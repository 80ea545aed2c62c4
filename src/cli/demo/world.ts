import { readFileSync } from 'node:fs';
import type { Logger } from 'pino';
import { loadConfig } from '../../config/load.ts';
import { renderProblem } from '../../config/problem.ts';
import { approvePermit2, type Devnet, startDevnet } from '../../devnet/devnet.ts';
import { type ExistingDevnet, useDevnet } from '../../devnet/existing-chain.ts';
import { loadSchemes } from '../../registry.ts';
import { type Gateway, startGateway } from '../../server/gateway.ts';
import type { LocalServer } from './local-server.ts';
import { startSampleApi } from './sample-api.ts';
import { startTroubledFacilitator } from './troubled-facilitator.ts';

/**
 * The whole system on one machine: chain, API and gateway. The buyer has approved Permit2 for its USDC, which metered
 * prices need.
 */
export interface World {
  readonly devnet: Devnet;
  /** Contracts that a chain started elsewhere lacks; features that need them do not work. */
  readonly lacking: readonly string[];
  readonly api: LocalServer;
  readonly gateway: Gateway;
  /** The gateway's configuration file. */
  readonly yaml: string;
  /** Closes everything, the gateway first, so that its running settlements still have their chain. */
  close(): Promise<void>;
}

/** Ends what was opened, the last one first. */
type Closer = () => Promise<void>;

/**
 * Opens the world. What was opened is closed again when the rest cannot be.
 *
 * @param stop gives up while the world is being opened; later it does nothing
 * @param rpcUrl a development chain that runs elsewhere; default: one is started on this machine
 * @throws DevnetError when this machine cannot run a chain, or what is at `rpcUrl` is none
 */
export async function openWorld(log: Logger, stop: AbortSignal, rpcUrl?: string): Promise<World> {
  const closers: Closer[] = [];
  const close = (): Promise<void> => closeAll(closers);
  // The chain ends at once with this signal; once the gateway runs, the gateway has to be closed first.
  const starting = new AbortController();
  const giveUp = (): void => starting.abort(stop.reason);
  stop.addEventListener('abort', giveUp, { once: true });
  try {
    stop.throwIfAborted();
    const { devnet, api, troubled } = await openParts(closers, starting.signal, rpcUrl);
    await approvePermit2(devnet.rpcUrl, devnet.accounts.buyer.key);
    stop.removeEventListener('abort', giveUp);
    const yaml = priceTable(devnet, api, troubled);
    const gateway = await openGateway(yaml, devnet, log);
    closers.push(() => gateway.close());
    return { devnet, lacking: devnet.lacking, api, gateway, yaml, close };
  } catch (fault) {
    await close();
    throw fault;
  } finally {
    stop.removeEventListener('abort', giveUp);
  }
}

/** Closes all, the last one first; a failure to close one keeps nothing else open. */
async function closeAll(closers: Closer[]): Promise<void> {
  const faults: unknown[] = [];
  for (const closer of closers.splice(0).reverse()) await closer().catch((fault) => faults.push(fault));
  if (faults.length > 0) throw faults[0];
}

/** The parts that the gateway connects. */
interface Parts {
  readonly devnet: ExistingDevnet;
  readonly api: LocalServer;
  readonly troubled: LocalServer;
}

async function openParts(closers: Closer[], signal: AbortSignal, rpcUrl: string | undefined): Promise<Parts> {
  const opening = rpcUrl === undefined ? ownDevnet(signal) : useDevnet(rpcUrl, signal);
  const parts = await Promise.allSettled([opening, startSampleApi(), startTroubledFacilitator()]);
  for (const part of parts) if (part.status === 'fulfilled') closers.push(() => part.value.close());
  const [devnet, api, troubled] = parts;
  if (devnet.status === 'rejected') throw devnet.reason;
  if (api.status === 'rejected') throw api.reason;
  if (troubled.status === 'rejected') throw troubled.reason;
  return { devnet: devnet.value, api: api.value, troubled: troubled.value };
}

/** A chain of our own has all contracts. */
async function ownDevnet(signal: AbortSignal): Promise<ExistingDevnet> {
  return { ...(await startDevnet({ signal })), lacking: [] };
}

async function openGateway(yaml: string, devnet: Devnet, log: Logger): Promise<Gateway> {
  const schemes = await loadSchemes();
  const loaded = loadConfig({
    file: 'demo.yaml',
    text: yaml,
    env: { SETTLER_KEY: devnet.accounts.settler.key },
    readFile: (path) => readFileSync(path, 'utf8'),
    schemes,
  });
  if (!loaded.ok) throw new Error(loaded.problems.map(renderProblem).join('\n'));
  return await startGateway(loaded.plan, { schemes, log });
}

/** The price table of the demo, as an operator would write it. */
function priceTable(devnet: Devnet, api: LocalServer, troubled: LocalServer): string {
  return `\
listen: 127.0.0.1:0
admin: 127.0.0.1:0
upstream: ${api.url}
payTo: "${devnet.accounts.payee.address}"
accepts: [base-sepolia]
facilitator:
  - local:
      rpc:
        base-sepolia: ${devnet.rpcUrl}
      key: \${SETTLER_KEY}
  - url: ${troubled.url}      # for the archive: settles nothing, to show what a failed payment and one in doubt look like
    settleTimeout: 2s
    rpc: off
store: memory

routes:
  - path: /healthz
    price: free
  - path: /v1/weather/:city
    methods: [GET]
    price: $0.001
    description: Current weather for a city
    mimeType: application/json
  - path: /v1/stream
    methods: [GET]
    price: $0.01
    description: Five events, one after the other
    mimeType: text/event-stream
  - path: /v1/reports/*
    methods: [GET]
    price: $0.05
    access: { for: 1h, requests: 100 }
    description: Reports; one payment opens all of them for an hour
    mimeType: application/json
  - path: /v1/archive/:year
    methods: [GET]
    accepts: [arbitrum-sepolia]
    price: $0.02
    description: The weather of a year
    mimeType: application/json
  - path: /v1/chat/completions
    methods: [POST]
    price:
      upTo: $0.05
      meter: openai
      rates: { input: $2.50/1M, output: $10/1M }
    description: Answers from the reports, for the tokens that they take
    mimeType: application/json
`;
}

import { mkdir } from 'node:fs/promises';
import { type BuiltPackage, buildPackage } from '../support/built-package.ts';
import { type Devnet, startDevnet } from '../support/devnet.ts';
import { findNginx, proxyServer, startNginx } from '../support/nginx.ts';
import { probe, RELAYED } from './answer.ts';
import { atExit } from './at-exit.ts';
import { type GatewaySettings, writeConfig } from './gateway-config.ts';
import { chooseGenerator, type LoadGenerator, ownLoad } from './load.ts';
import type { Peer } from './options.ts';
import { PAYER } from './payment-signer.ts';
import type { Side } from './suite.ts';
import { type System, startSystem } from './system.ts';
import { type ReadLog, startTurnpike, type TurnpikeCommand } from './turnpike-command.ts';
import { type Stop, startWorld, type World } from './world.ts';

/** How the workbench is set up. */
export interface WorkbenchOptions {
  readonly connections: number;
  readonly npmOnly: boolean;
  /** Folder for CPU profiles of the gateway, where they are wanted. */
  readonly profileFolder: string | undefined;
  readonly before: string | undefined;
  readonly peer: Peer | undefined;
  readonly worldPort: number | undefined;
}

/** What of equal requests is not as usual. */
export interface RequestKind {
  readonly headers?: Readonly<Record<string, string>>;
  /** The status that every answer must have; default 200. */
  readonly status?: number;
  readonly connections?: number | undefined;
  /** Body of every request, which is a POST then. */
  readonly body?: string;
}

/** Where suites start their systems; it ends them all. */
export class Workbench {
  readonly world: World;
  /** The nginx executable, where there is one to be used. */
  readonly nginx: string | undefined;
  /** The name of the load generator for equal requests. */
  readonly generator: string;
  /** Connections that load is made with. */
  readonly connections: number;
  /** The generator that can also pay. */
  readonly client: System;
  /** The command of an earlier build, where one is measured beside this one. */
  readonly before: string | undefined;
  /** A gateway of another make, where one is measured beside this one. */
  readonly peer: Peer | undefined;
  readonly #options: WorkbenchOptions;
  readonly #equalRequests: LoadGenerator;
  /** Ends of the world, which stays from suite to suite. */
  readonly #worldStops: readonly Stop[];
  /** The package as it is shipped, once a suite has asked for it. */
  #built: Promise<BuiltPackage> | undefined;
  /** Ends of what the suite of the moment has started. */
  #stops: Stop[] = [];

  private constructor(world: World, client: System, options: WorkbenchOptions, worldStops: readonly Stop[]) {
    const generator = chooseGenerator(client, options.npmOnly);
    this.world = world;
    this.client = client;
    this.nginx = usableNginx(options);
    this.generator = generator.name;
    this.#equalRequests = generator.run;
    this.#options = options;
    this.connections = options.connections;
    this.before = options.before;
    this.peer = options.peer;
    this.#worldStops = worldStops;
  }

  /** Starts the world and the load generator. */
  static async open(options: WorkbenchOptions): Promise<Workbench> {
    const stops: Stop[] = [];
    try {
      const world = await startWorld(usableNginx(options), options.worldPort, (stop) => stops.push(stop));
      const client = await startSystem('load-generator');
      stops.push(() => client.stop());
      return new Workbench(world, client, options, stops);
    } catch (fault) {
      await stopAll(stops);
      throw fault;
    }
  }

  /** Starts a gateway; what the settings do not name is the same in all suites. */
  async gateway(settings: GatewaySettings): Promise<string> {
    return (await this.gatewayProcess(settings)).url;
  }

  /** The same, whose processor time can be counted. */
  async gatewayProcess(settings: GatewaySettings): Promise<System> {
    const file = await this.config(settings);
    const { profileFolder } = this.#options;
    if (profileFolder !== undefined) await mkdir(profileFolder, { recursive: true });
    const options = profileFolder === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profileFolder}`];
    return await this.system('gateway', [file], options);
  }

  /** Writes a configuration into a folder of its own, in which a SQLite ledger is `ledger.db`. Returns the file's path. */
  config(settings: GatewaySettings): Promise<string> {
    return writeConfig(this.world, settings, (stop) => this.#stops.push(stop));
  }

  /** Runs `turnpike start`, as it is shipped, in a process of its own. */
  async command(settings: GatewaySettings): Promise<{ readonly command: TurnpikeCommand; readonly file: string }> {
    const file = await this.config(settings);
    return { command: await this.commandOn(file), file };
  }

  /** The same on a configuration file that is there already, and by another build where its script is given. */
  async commandOn(file: string, script?: string, readLog?: ReadLog): Promise<TurnpikeCommand> {
    const command = await startTurnpike(script ?? (await this.script()), file, readLog);
    this.#stops.push(() => command.stop());
    return command;
  }

  /** The command's executable, built from the sources as it is shipped. */
  async script(): Promise<string> {
    this.#built ??= buildPackage().then((built) => {
      atExit(built.remove);
      return built;
    });
    return (await this.#built).command;
  }

  /** Starts a system of `systems/`. */
  async system(name: string, args: readonly string[] = [], options: readonly string[] = []): Promise<System> {
    const system = await startSystem(name, args, options);
    this.#stops.push(() => system.stop());
    return system;
  }

  /** Starts a local chain on which the payer of all payments has money enough. */
  async devnet(): Promise<Devnet> {
    const devnet = await startDevnet();
    this.#stops.push(() => devnet.close());
    await devnet.mint(PAYER, 10n ** 15n);
    return devnet;
  }

  /** Starts an nginx that forwards to the upstream; `undefined` where there is none to be used. */
  async nginxProxy(): Promise<string | undefined> {
    if (this.nginx === undefined) return undefined;
    const proxy = await startNginx(this.nginx, (port) => proxyServer(port, this.world.upstreamUrl));
    this.#stops.push(proxy.stop);
    return proxy.url;
  }

  /** A side that answers equal requests with a status; by default one that relays the upstream's answer. */
  side(name: string, url: string, status = 200, look: Side['probe'] = () => probe(url, {}, RELAYED)): Side {
    return { name, probe: look, measure: this.#drive(this.#equalRequests, { url, status }) };
  }

  /** A side whose equal requests carry headers, such as an access token, or come over more or fewer connections. */
  sideWith(name: string, url: string, { headers = {}, status = 200, connections }: RequestKind): Side {
    const measure = this.#drive(this.#equalRequests, { url, status, headers, connections });
    return { name, probe: () => probe(url, headers, RELAYED), measure };
  }

  /** A side whose equal requests are POSTs with a body, by the own client. Nothing is compared but the status. */
  postSide(name: string, url: string, kind: RequestKind & { readonly body: string }): Side {
    const probeNothing = async (): Promise<undefined> => undefined;
    return { name, probe: probeNothing, measure: this.#drive(ownLoad(this.client), { url, ...kind }) };
  }

  /** The same, but driven by the client that also drives the paid sides. */
  sideOfClient(name: string, url: string): Side {
    return { name, probe: () => probe(url, {}, RELAYED), measure: this.#drive(ownLoad(this.client), { url }) };
  }

  /** A side on which every request carries a payment of its own. */
  paidSide(name: string, url: string, look: Side['probe'], paymentsPerSecond: number): Side {
    const { connections } = this;
    return {
      name,
      probe: look,
      measure: (seconds) => {
        const payments = seconds * paymentsPerSecond;
        return this.client.measure({ kind: 'load', url, connections, seconds, status: 200, headers: {}, payments });
      },
    };
  }

  /** Ends everything that a suite has started, so that suites do not run beside each other's systems. */
  async clear(): Promise<void> {
    const stops = this.#stops;
    this.#stops = [];
    await stopAll(stops);
  }

  async close(): Promise<void> {
    await this.clear();
    await stopAll(this.#worldStops);
    (await this.#built)?.remove();
  }

  #drive(generator: LoadGenerator, kind: RequestKind & { readonly url: string }): Side['measure'] {
    const { url, headers = {}, status = 200, connections = this.connections, body } = kind;
    return (seconds) => generator({ url, connections, seconds, status, headers, body });
  }
}

function usableNginx({ npmOnly }: WorkbenchOptions): string | undefined {
  return npmOnly ? undefined : findNginx();
}

async function stopAll(stops: readonly Stop[]): Promise<void> {
  for (const stop of stops.toReversed()) await stop();
}

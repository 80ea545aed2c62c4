import { readFileSync } from 'node:fs';
import { Writable } from 'node:stream';
import { pino } from 'pino';
import { loadConfig } from '../../src/config/load.ts';
import type { Plan } from '../../src/domain/plan.ts';
import { loadSchemes } from '../../src/registry.ts';
import { type SoleGateway, startGateway } from '../../src/server/gateway.ts';
import type { GatewayDeps } from '../../src/server/gateway-deps.ts';

/** One line of the gateway's log. */
export type LogLine = Readonly<Record<string, unknown>>;

/** A gateway in this process, with what it logged. */
export interface TestGateway extends SoleGateway {
  readonly plan: Plan;
  readonly log: readonly LogLine[];
}

/** Compiles a configuration text, with `TURNPIKE_PUBLIC_NODES` as given; a problem in it fails the test with the problem's words. */
export async function planOf(
  text: string,
  publicNodes = 'off',
  env: Readonly<Record<string, string>> = {},
): Promise<Plan> {
  const schemes = await loadSchemes();
  const loaded = loadConfig({
    file: 'gateway.yaml',
    text,
    env: { TURNPIKE_PUBLIC_NODES: publicNodes, ...env },
    readFile: (path) => readFileSync(path, 'utf8'),
    schemes,
  });
  if (!loaded.ok) throw new Error(loaded.problems.map(({ keyPath, wrong }) => `${keyPath}: ${wrong}`).join('\n'));
  return loaded.plan;
}

/**
 * Starts a gateway on free ports from a configuration text without `listen`; `admin` is on a free port unless it says otherwise.
 *
 * @param deps replaces parts of the composition, such as the clock or the ledger
 */
export async function startTestGateway(
  text: string,
  deps: Partial<GatewayDeps> = {},
  publicNodes = 'off',
  env: Readonly<Record<string, string>> = {},
): Promise<TestGateway> {
  const admin = /^admin:/m.test(text) ? '' : 'admin: 127.0.0.1:0\n';
  const plan = await planOf(`listen: 127.0.0.1:0\n${admin}${text}`, publicNodes, env);
  const log: LogLine[] = [];
  const sink = new Writable({
    write(chunk: Buffer, _encoding, done) {
      log.push(JSON.parse(chunk.toString('utf8')));
      done();
    },
  });
  const gateway = await startGateway(plan, { schemes: await loadSchemes(), log: pino(sink), ...deps });
  return { ...gateway, plan, log };
}

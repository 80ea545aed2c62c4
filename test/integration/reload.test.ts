import { EventEmitter, once } from 'node:events';
import { readFileSync, renameSync, utimesSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Writable } from 'node:stream';
import { setFlagsFromString } from 'node:v8';
import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import type { Plan } from '../../src/domain/plan.ts';
import { findCollector } from '../../src/engine/collector.ts';
import { loadSchemes, loadTokenReader } from '../../src/registry.ts';
import { type SoleGateway, startGateway } from '../../src/server/gateway.ts';
import { readConfiguration } from '../../src/server/reload/config-reading.ts';
import { Reloader } from '../../src/server/reload/reloader.ts';
import { TokenCheck } from '../../src/server/token-check.ts';
import { openMemoryLedger } from '../../src/store/memory/memory-ledger.ts';
import { challengeOf } from '../support/buyer.ts';
import { type ConfigVolume, openConfigVolume } from '../support/config-volume.ts';
import { type Devnet, freshPayer, type Payer, startDevnet } from '../support/devnet.ts';
import type { LogLine } from '../support/gateway.ts';
import { encodePayment, handSigned, type Requirement } from '../support/payment-header.ts';
import { settings } from '../support/settings.ts';
import { startUpstream, type TestUpstream } from '../support/upstream.ts';

/** One gateway process that follows its file. */

let devnet: Devnet;
let upstream: TestUpstream;
let buyer: Payer;
let behaviour: (req: IncomingMessage, res: ServerResponse) => void = answer;
let running: Followed | undefined;
/** Added to the system's clock, in milliseconds. */
let ahead = 0;

function answer(_req: IncomingMessage, res: ServerResponse): void {
  res.end('here you are');
}

beforeAll(async () => {
  [devnet, upstream] = await Promise.all([startDevnet(), startUpstream((req, res) => behaviour(req, res))]);
  buyer = await freshPayer(devnet);
});

afterEach(async () => {
  behaviour = answer;
  ahead = 0;
  await running?.close();
  running = undefined;
});

afterAll(async () => {
  await Promise.all([devnet.close(), upstream.close()]);
});

function table(price: string, more = ''): string {
  return `listen: 127.0.0.1:0
admin: 127.0.0.1:0
${settings(devnet, upstream.url)}${more}
routes:
  - { path: /free/*, price: free }
  - { path: /paid/*, price: ${price}, name: paid, timeout: 1s, accepts: [{ network: base-sepolia, maxTimeoutSeconds: 60 }] }
`;
}

interface Followed extends SoleGateway {
  readonly volume: ConfigVolume;
  readonly log: readonly LogLine[];
  readonly reloader: Reloader;
  /** Resolves with the next line of the log that says so, from the first one that was not waited for yet. */
  logged(msg: string): Promise<LogLine>;
}

/** A gateway in this process that follows `gateway.yaml` of a volume, as `turnpike start` puts it together. */
async function follow(files: Readonly<Record<string, string>>): Promise<Followed> {
  const volume = openConfigVolume(files);
  const schemes = await loadSchemes();
  const log: LogLine[] = [];
  const lines = new EventEmitter();
  const sink = new Writable({
    write(chunk: Buffer, _encoding, done) {
      log.push(JSON.parse(chunk.toString('utf8')));
      lines.emit('line');
      done();
    },
  });
  const logger = pino(sink);
  const file = volume.path('gateway.yaml');
  const readFile = (path: string): string => readFileSync(path, 'utf8');
  const clock = (): number => Date.now() + ahead;
  const read = () => readConfiguration((reader) => loadConfig({ file, env: {}, readFile: reader, schemes }), readFile);
  const { loaded, contents } = read();
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  const tokens = new TokenCheck({ load: loadTokenReader, log: logger });
  const reloader = new Reloader({ plan: loaded.plan, contents }, { read, readFile, file, log: logger, tokens, clock });
  const gateway = await startGateway(loaded.plan, {
    schemes,
    log: logger,
    clock,
    store: openMemoryLedger(),
    configuration: () => reloader.check(),
  });
  reloader.begin(gateway, gateway.metrics.config);
  let seen = 0;
  running = {
    ...gateway,
    volume,
    log,
    reloader,
    async logged(msg) {
      for (;;) {
        const at = log.findIndex((line, index) => index >= seen && line['msg'] === msg);
        const line = log[at];
        if (line !== undefined) {
          seen = at + 1;
          return line;
        }
        await once(lines, 'line');
      }
    },
    async close() {
      await reloader.close();
      await gateway.close();
      volume.remove();
    },
  };
  return running;
}

const CHANGED = 'configuration changed';
const REFUSED = 'configuration refused, the one in force stays';

async function quote(gateway: Followed): Promise<Requirement> {
  const response = await fetch(`${gateway.url}/paid/x`);
  await response.arrayBuffer();
  return challengeOf(response).accepts[0] as unknown as Requirement;
}

async function pay(gateway: Followed, requirement: Requirement): Promise<Response> {
  const validBefore = String(Math.floor((Date.now() + ahead) / 1000) + 55);
  const header = encodePayment(await handSigned(buyer.key, requirement, { authorization: { validBefore } }));
  return await fetch(`${gateway.url}/paid/x`, { headers: { 'PAYMENT-SIGNATURE': header } });
}

async function configurationCheck(gateway: Followed): Promise<{ ready: boolean; detail: string }> {
  const response = await fetch(`${gateway.adminUrl}/readyz`);
  const { checks } = (await response.json()) as { checks: { name: string; ready: boolean; detail: string }[] };
  const check = checks.find(({ name }) => name === 'configuration');
  if (check === undefined) throw new Error('no such check');
  return check;
}

async function metric(gateway: Followed, name: string): Promise<number> {
  const text = await (await fetch(`${gateway.adminUrl}/metrics`)).text();
  return Number(
    text
      .split('\n')
      .find((each) => each.startsWith(`${name} `))
      ?.slice(name.length),
  );
}

describe('a price table that changes under a running gateway', () => {
  it('is in force as soon as the volume is swapped, and the difference is logged', async () => {
    const gateway = await follow({ 'gateway.yaml': table('$0.001') });
    expect((await quote(gateway)).amount).toBe('1000');
    gateway.volume.swap({ 'gateway.yaml': `${table('$0.002')}  - { path: /new, methods: [POST], price: free }\n` });
    expect(await gateway.logged(CHANGED)).toMatchObject({
      changes: ['~ * /paid/* $0.001 → $0.002', '+ POST /new free'],
    });
    expect((await quote(gateway)).amount).toBe('2000');
    expect((await pay(gateway, await quote(gateway))).status).toBe(200);
    expect(await metric(gateway, 'turnpike_config_reloads_total{outcome="applied"}')).toBe(1);
  });

  it('is followed through an editor that writes a new file and renames it over the old one', async () => {
    const gateway = await follow({ 'gateway.yaml': table('$0.001') });
    const file = gateway.volume.path('gateway.yaml');
    for (const price of ['$0.003', '$0.004']) {
      writeFileSync(`${file}~`, table(price));
      renameSync(`${file}~`, file);
      await gateway.logged(CHANGED);
    }
    expect((await quote(gateway)).amount).toBe('4000');
  });

  it('is not reloaded when a file is touched without a change', async () => {
    const gateway = await follow({ 'gateway.yaml': table('$0.001') });
    utimesSync(gateway.volume.path('gateway.yaml'), 1, 1);
    gateway.volume.swap({ 'gateway.yaml': table('$0.001') });
    gateway.volume.swap({ 'gateway.yaml': table('$0.002') });
    await gateway.logged(CHANGED);
    expect(await metric(gateway, 'turnpike_config_reloads_total{outcome="unchanged"}')).toBe(0);
    await gateway.reloader.reload();
    expect(await metric(gateway, 'turnpike_config_reloads_total{outcome="unchanged"}')).toBe(1);
  });

  it('is followed through the files that it names', async () => {
    const files = { 'gateway.yaml': '', host: 'https://one.example' };
    const gateway = await follow({ ...files, 'gateway.yaml': table('$0.001') });
    const named = table('$0.001', `publicUrl: \${file:${gateway.volume.path('host')}}`);
    gateway.volume.swap({ ...files, 'gateway.yaml': named });
    await gateway.logged(CHANGED);
    gateway.volume.swap({ 'gateway.yaml': named, host: 'https://two.example' });
    expect(await gateway.logged(CHANGED)).toMatchObject({
      changes: ['~ publicUrl: https://one.example → https://two.example'],
    });
  });

  it('stays in force when the new file is broken, and the position of the error is reported until it is fixed', async () => {
    const gateway = await follow({ 'gateway.yaml': table('$0.001') });
    gateway.volume.swap({ 'gateway.yaml': table('$0.00000001') });
    const { problems } = (await gateway.logged(REFUSED)) as unknown as { problems: string[] };
    expect(problems).toEqual([expect.stringMatching(/gateway\.yaml:\d+:\d+ routes\[1\]\.price: /)]);
    expect((await quote(gateway)).amount).toBe('1000');
    const check = await configurationCheck(gateway);
    expect(check.ready).toBe(true);
    expect(check.detail).toContain(problems[0]);
    expect(await metric(gateway, 'turnpike_config_reloads_total{outcome="refused"}')).toBe(1);
    gateway.volume.swap({ 'gateway.yaml': table('$0.001') });
    await gateway.logged('configuration read again, nothing changed');
    expect((await configurationCheck(gateway)).detail).not.toContain('refused');
  });

  it('is refused when it is cut off within a line, as by a full disk, though what is left is good YAML', async () => {
    const last = '# The last one.\n  - { path: /last/*, price: $0.002 }\n';
    const gateway = await follow({ 'gateway.yaml': table('$0.001') + last });
    const whole = table('$0.003') + last;
    gateway.volume.swap({ 'gateway.yaml': table('$0.003') + last.slice(0, 8) });
    expect(await gateway.logged(REFUSED)).toMatchObject({ problems: [expect.stringContaining('ends within a line')] });
    expect((await quote(gateway)).amount).toBe('1000');
    gateway.volume.swap({ 'gateway.yaml': whole });
    await gateway.logged(CHANGED);
    expect((await quote(gateway)).amount).toBe('3000');
  });

  it('is taken without a line end where it has all routes of the one before', async () => {
    const gateway = await follow({ 'gateway.yaml': table('$0.001') });
    gateway.volume.swap({ 'gateway.yaml': table('$0.003').trimEnd() });
    await gateway.logged(CHANGED);
    expect((await quote(gateway)).amount).toBe('3000');
  });

  it('is refused when a change needs a restart, and the key is named', async () => {
    const gateway = await follow({ 'gateway.yaml': table('$0.001') });
    const moved = table('$0.002').replace('listen: 127.0.0.1:0', 'listen: 127.0.0.1:1');
    gateway.volume.swap({ 'gateway.yaml': moved.replace('store: memory', 'store: sqlite:./other.db') });
    expect(await gateway.logged(REFUSED)).toMatchObject({
      problems: [
        expect.stringContaining('restart to change listen'),
        expect.stringContaining('restart to change store'),
      ],
    });
    expect((await quote(gateway)).amount).toBe('1000');
  });

  it('leaves a request in flight under the table that it began with', async () => {
    const gateway = await follow({ 'gateway.yaml': table('$0.001') });
    const held = Promise.withResolvers<ServerResponse>();
    behaviour = (_req, res) => held.resolve(res);
    const paid = await devnet.usdcBalanceOf(devnet.accounts.payee.address);
    const asked = pay(gateway, await quote(gateway));
    const res = await held.promise;
    const other = await startUpstream((_req, response) => response.end('from the other'));
    behaviour = answer;
    gateway.volume.swap({
      'gateway.yaml': table('$0.005').replace(`upstream: ${upstream.url}`, `upstream: ${other.url}`),
    });
    await gateway.logged(CHANGED);
    expect(await (await fetch(`${gateway.url}/free/x`)).text()).toBe('from the other');
    res.end('from the first');
    const response = await asked;
    expect([response.status, await response.text()]).toEqual([200, 'from the first']);
    expect(await devnet.usdcBalanceOf(devnet.accounts.payee.address)).toBe(paid + 1000n);
    await other.close();
  });

  it('is forgotten once another is in force: a table that changes daily does not fill the memory', async () => {
    setFlagsFromString('--expose-gc');
    const collect = findCollector();
    const gateway = await follow({ 'gateway.yaml': table('$0.001') });
    const earlier: WeakRef<Plan>[] = [];
    for (const price of ['$0.002', '$0.003', '$0.004']) {
      earlier.push(new WeakRef(gateway.reloader.plan));
      await (await fetch(`${gateway.url}/free/x`)).text();
      await quote(gateway);
      gateway.volume.swap({ 'gateway.yaml': table(price) });
      await gateway.logged(CHANGED);
    }
    // The latest of them is closed once the requests that began with it are over.
    await vi.waitFor(
      () => {
        collect?.({ type: 'major' });
        expect(earlier.map((plan) => plan.deref() !== undefined)).toEqual([false, false, false]);
      },
      { timeout: 20_000 },
    );
  });

  it('keeps connections to an upstream that did not change', async () => {
    const ports: (number | undefined)[] = [];
    behaviour = (req, res) => {
      ports.push(req.socket.remotePort);
      res.end();
    };
    const gateway = await follow({ 'gateway.yaml': table('$0.001') });
    await (await fetch(`${gateway.url}/free/x`)).text();
    gateway.volume.swap({ 'gateway.yaml': table('$0.002') });
    await gateway.logged(CHANGED);
    await (await fetch(`${gateway.url}/free/x`)).text();
    expect(ports).toEqual([ports[0], ports[0]]);
  });
});

describe('a price that was quoted before the change', () => {
  it('is taken for as long as the quote holds, and not after', async () => {
    const gateway = await follow({ 'gateway.yaml': table('$0.001') });
    const old = await quote(gateway);
    gateway.volume.swap({ 'gateway.yaml': table('$0.002') });
    await gateway.logged(CHANGED);
    const paid = await devnet.usdcBalanceOf(devnet.accounts.payee.address);
    ahead = 55_000;
    expect((await pay(gateway, old)).status).toBe(200);
    expect(await devnet.usdcBalanceOf(devnet.accounts.payee.address)).toBe(paid + 1000n);
    ahead = 200_000;
    const refused = await pay(gateway, old);
    expect(refused.status).toBe(402);
    expect(challengeOf(refused).accepts[0]?.amount).toBe('2000');
  });
});

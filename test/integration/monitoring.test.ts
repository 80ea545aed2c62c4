import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { parse } from 'yaml';
import { stockFetch } from '../support/buyer.ts';
import { type Devnet, freshPayer, startDevnet } from '../support/devnet.ts';
import { readRepositoryFile, repositoryPath } from '../support/docs/markdown.ts';
import { freePort } from '../support/free-port.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { scrapeText } from '../support/metrics.ts';
import { settings } from '../support/settings.ts';
import { startUpstream, type TestUpstream } from '../support/upstream.ts';

const ALERTS = 'config/monitoring/alerts.yaml';
const DASHBOARD = 'config/monitoring/grafana-dashboard.json';

/** A query of the dashboard or of an alert, by where it stands. */
interface Query {
  readonly where: string;
  readonly expr: string;
}

let devnet: Devnet;
let upstream: TestUpstream;
let gateway: TestGateway;

beforeAll(async () => {
  [devnet, upstream] = await Promise.all([startDevnet(), startUpstream((_req, res) => res.end('{}'))]);
  gateway = await startTestGateway(
    `${settings(devnet, upstream.url)}routes:\n  - { path: /weather/:city, price: $0.001, name: weather }\n`,
  );
});

afterAll(async () => {
  await gateway.close();
  await Promise.all([devnet.close(), upstream.close()]);
});

describe('the dashboard and the alert rules', () => {
  it('ask for no metric that the gateway does not export', async () => {
    const exported = namesOf(await scrapeText(gateway.adminUrl));
    const asked = allQueries().flatMap(({ where, expr }) =>
      [...expr.matchAll(/\b(?:turnpike|process|nodejs)_\w+/g)].map(([name]) => ({ where, name })),
    );
    expect(asked.length).toBeGreaterThan(30);
    expect(asked.filter(({ name }) => !exported.has(name.replace(/_(?:bucket|count|sum)$/, '')))).toEqual([]);
  });

  it('are documented: every metric has a line in docs/monitoring.md, and every alert', async () => {
    const page = readRepositoryFile('docs/monitoring.md');
    const exported = [...namesOf(await scrapeText(gateway.adminUrl))].filter((name) => name.startsWith('turnpike_'));
    expect(exported.filter((name) => !page.includes(`| \`${name}`))).toEqual([]);
    const documented = [...page.matchAll(/^\| `(turnpike_\w+)/gm)].map(([, name]) => name);
    expect(documented.sort()).toEqual(exported.sort());
    const alerts = alertRules().map(({ alert }) => alert);
    const described = [...page.matchAll(/^\| `(Turnpike\w+)`/gm)].map(([, name]) => name);
    expect(described.sort()).toEqual(alerts.sort());
  });

  it('are the same for the Prometheus operator', () => {
    const rule = parse(readRepositoryFile('config/kubernetes/monitoring/alerts.yaml'));
    expect(rule.spec.groups).toEqual(parse(readRepositoryFile(ALERTS)).groups);
  });

  it.skipIf(!isInstalled('promtool'))('pass promtool (skipped where it is not installed)', () => {
    const { status, stdout, stderr } = spawnSync('promtool', ['check', 'rules', repositoryPath(ALERTS)], {
      encoding: 'utf8',
    });
    expect(`${stdout}${stderr}`).toContain('SUCCESS');
    expect(status).toBe(0);
  });

  it.skipIf(!isInstalled('promtool'))('raise the expected alerts and no others (skipped likewise)', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'turnpike-promtool-'));
    try {
      const cases = 'test/support/monitoring/alerts-cases.yaml';
      await writeFile(join(folder, 'alerts.yaml'), readRepositoryFile(ALERTS));
      await writeFile(join(folder, 'cases.yaml'), readRepositoryFile(cases));
      const { stdout, stderr } = spawnSync('promtool', ['test', 'rules', 'cases.yaml'], {
        cwd: folder,
        encoding: 'utf8',
      });
      expect(`${stdout}${stderr}`).toMatch(/SUCCESS\s*$/);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

describe.skipIf(!isInstalled('prometheus'))('a real Prometheus (skipped where it is not installed)', () => {
  let folder: string;
  let prometheus: ChildProcess;
  let url: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'turnpike-prometheus-'));
    const port = await freePort();
    url = `http://127.0.0.1:${port}`;
    await writeFile(join(folder, 'alerts.yaml'), await readFile(repositoryPath(ALERTS)));
    const target = new URL(gateway.adminUrl ?? '').host;
    await writeFile(
      join(folder, 'prometheus.yml'),
      `global: { scrape_interval: 1s, evaluation_interval: 1s }
rule_files: [alerts.yaml]
scrape_configs:
  - job_name: turnpike
    static_configs: [{ targets: ["${target}"] }]
`,
    );
    const options = [`--config.file=${folder}/prometheus.yml`, `--storage.tsdb.path=${folder}/data`];
    prometheus = spawn('prometheus', [...options, `--web.listen-address=127.0.0.1:${port}`, '--log.level=error'], {
      stdio: 'ignore',
    });
  }, 60_000);

  afterAll(async () => {
    prometheus.kill('SIGKILL');
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  });

  it(
    'evaluates every query of the dashboard and every alert rule, and finds what was paid',
    { timeout: 90_000 },
    async () => {
      const buyer = await freshPayer(devnet);
      // Two scrapes apart, so that a rate can be told.
      await vi.waitFor(async () => expect(await query(url, 'turnpike_connections_open')).toHaveLength(1), 30_000);
      expect((await stockFetch(buyer.key)(`${gateway.url}/weather/oslo`)).status).toBe(200);
      await vi.waitFor(
        async () => expect(await query(url, 'turnpike_payments_total{outcome="settled"} > 0')).toHaveLength(1),
        30_000,
      );
      for (const { where, expr } of allQueries()) {
        await expect(query(url, forPrometheus(expr)), where).resolves.toBeInstanceOf(Array);
      }
      for (const expr of [
        'turnpike_revenue_atomic_total',
        'turnpike_settlement_duration_seconds_count',
        'turnpike_settlements_open',
        'turnpike_settler_settlements_left > 500',
      ]) {
        expect(await query(url, expr), expr).not.toEqual([]);
      }
      // The first payment since the start counts: the series began with 0.
      const revenue = allQueries().find(({ where }) => where === 'Revenue per hour')?.expr ?? '';
      await vi.waitFor(async () => {
        const [sum] = (await query(url, forPrometheus(revenue))) as {
          metric: Record<string, string>;
          value: [number, string];
        }[];
        expect(sum?.metric).toMatchObject({ route: 'weather', symbol: 'USDC' });
        expect(Number(sum?.value[1])).toBeGreaterThan(0);
      }, 20_000);
      // Rules that cannot be evaluated are told here.
      const { groups } = (await get(url, '/api/v1/rules')) as {
        groups: { rules: { health: string; name: string }[] }[];
      };
      await vi.waitFor(async () => {
        const health = groups.flatMap(({ rules }) => rules.map((rule) => rule.health));
        expect(health.filter((state) => state === 'err')).toEqual([]);
        expect(health).toHaveLength(alertRules().length);
      }, 10_000);
    },
  );
});

function alertRules(): { alert: string; expr: string }[] {
  return parse(readRepositoryFile(ALERTS)).groups.flatMap(
    ({ rules }: { rules: { alert: string; expr: string }[] }) => rules,
  );
}

function allQueries(): Query[] {
  const dashboard: {
    panels: { title: string; targets?: { expr: string }[] }[];
    annotations: { list: { name: string; expr: string }[] };
  } = JSON.parse(readRepositoryFile(DASHBOARD));
  return [
    ...dashboard.panels.flatMap(({ title, targets }) => (targets ?? []).map(({ expr }) => ({ where: title, expr }))),
    ...dashboard.annotations.list.map(({ name, expr }) => ({ where: name, expr })),
    ...alertRules().map(({ alert, expr }) => ({ where: alert, expr })),
  ];
}

/** What Grafana puts in place of its variables. */
function forPrometheus(expr: string): string {
  return expr.replaceAll('$__rate_interval', '1m').replaceAll('$route', '.*');
}

async function query(url: string, expr: string): Promise<unknown[]> {
  const { result } = (await get(url, `/api/v1/query?query=${encodeURIComponent(expr)}`)) as { result: unknown[] };
  return result;
}

async function get(url: string, path: string): Promise<unknown> {
  const response = await fetch(url + path);
  const body = (await response.json()) as { status: string; error?: string; data: unknown };
  if (body.status !== 'success') throw new Error(body.error);
  return body.data;
}

/** The names that an exposition declares. */
function namesOf(text: string): ReadonlySet<string> {
  return new Set([...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name = '']) => name));
}

function isInstalled(command: string): boolean {
  try {
    execFileSync(command, ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

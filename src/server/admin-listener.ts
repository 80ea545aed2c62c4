import type { Server, ServerResponse } from 'node:http';
import { hostName, parseHost } from '../domain/host.ts';
import type { Plan, ReadinessMode } from '../domain/plan.ts';
import { createServer } from '../engine/node-http.ts';
import type { Metrics } from '../observe/metrics.ts';
import type { AdminSite } from './admin/admin-site.ts';
import { isReady, type ReadinessCheck } from './readiness-check.ts';

/** The parts of the admin listener. */
export interface AdminPages {
  readonly metrics: Pick<Metrics, 'render'>;
  readonly checks: () => readonly ReadinessCheck[];
  /** The plan in force. */
  readonly plan: () => Pick<Plan, 'readiness' | 'adminHosts'>;
  readonly site: Pick<AdminSite, 'serves' | 'answer' | 'close'>;
}

/**
 * Creates the operators' HTTP server: `/livez`, `/readyz`, `/metrics`, and the admin page where it is on. None of these
 * is on the public listener.
 */
export function createAdminListener({ metrics, checks, plan, site }: AdminPages): Server {
  const server = createServer((req, res) => {
    if (!isOwnHost(req.headers.host, plan().adminHosts)) return send(res, 421, 'text/plain', FOREIGN);
    const [path = ''] = (req.url ?? '').split('?', 1);
    if (site.serves(path)) return void site.answer(req, res);
    if (req.method !== 'GET' && req.method !== 'HEAD') return send(res, 405, 'text/plain', 'method not allowed\n');
    switch (path) {
      case '/livez':
        return send(res, 200, 'text/plain', 'ok\n');
      case '/readyz':
        return sendReadiness(res, checks(), plan().readiness);
      case '/metrics':
        return void sendMetrics(res, metrics);
      default:
        return send(res, 404, 'text/plain', 'see /livez, /readyz and /metrics\n');
    }
  });
  server.once('close', () => void site.close());
  return server;
}

const FOREIGN = 'not a host of the admin listener; list it under adminHosts\n';

/**
 * Whether a request names this server. A web page whose own name resolves to our address, so as to read us in a
 * visitor's browser (DNS rebinding), can name only what public DNS has. Probes by HTTP/1.0 name nothing; browsers
 * always do.
 */
function isOwnHost(header: string | undefined, known: readonly string[]): boolean {
  if (header === undefined) return true;
  const host = parseHost(header);
  if (host === undefined) return false;
  const name = hostName(host);
  return ADDRESS.test(name) || PRIVATE_NAME.test(name) || known.includes(name);
}

const ADDRESS = /^(?:\[.*\]|\d+\.\d+\.\d+\.\d+)$/;
const PRIVATE_NAME = /^(?:[^.]+|.+\.(?:localhost|svc|cluster\.local|internal))$/;

/**
 * `degraded` lists the faults of what several processes share, or what is behind the gateway: a load balancer cannot
 * help by sending requests elsewhere.
 */
function sendReadiness(res: ServerResponse, checks: readonly ReadinessCheck[], mode: ReadinessMode): void {
  const ready = checks.every((check) => isReady(check, mode));
  const degraded = checks.filter((check) => !check.ready && check.scope !== 'process');
  const body = { ready, degraded: degraded.map(({ name, detail }) => ({ name, detail })), checks };
  send(res, ready ? 200 : 503, 'application/json', `${JSON.stringify(body, null, 2)}\n`);
}

async function sendMetrics(res: ServerResponse, metrics: Pick<Metrics, 'render'>): Promise<void> {
  const { contentType, body } = await metrics.render();
  send(res, 200, contentType, body);
}

function send(res: ServerResponse, status: number, contentType: string, body: string): void {
  res.writeHead(status, { 'Content-Type': contentType, 'Cache-Control': 'no-store' });
  res.end(body);
}

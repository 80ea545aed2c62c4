import type { Server, ServerResponse } from 'node:http';
import { hostName, parseHost } from '../domain/host.ts';
import type { Plan } from '../domain/plan.ts';
import { createServer } from '../engine/node-http.ts';
import type { Metrics } from '../observe/metrics.ts';

/** One line of the readiness detail. */
export interface ReadinessCheck {
  readonly name: string;
  readonly ready: boolean;
  readonly detail?: string;
}

/** Creates the operators' HTTP server: `/livez`, `/readyz`, `/metrics`. Nothing of it is on the public listener. */
export function createAdminListener(
  metrics: Metrics,
  readiness: () => readonly ReadinessCheck[],
  { adminHosts }: Pick<Plan, 'adminHosts'>,
): Server {
  return createServer((req, res) => {
    if (!isOwnHost(req.headers.host, adminHosts)) return send(res, 421, 'text/plain', FOREIGN);
    const path = req.url?.split('?', 1)[0];
    if (req.method !== 'GET' && req.method !== 'HEAD') return send(res, 405, 'text/plain', 'method not allowed\n');
    switch (path) {
      case '/livez':
        return send(res, 200, 'text/plain', 'ok\n');
      case '/readyz':
        return sendReadiness(res, readiness());
      case '/metrics':
        return void sendMetrics(res, metrics);
      default:
        return send(res, 404, 'text/plain', 'see /livez, /readyz and /metrics\n');
    }
  });
}

const FOREIGN = 'not a host of the admin listener; list it under adminHosts\n';

/**
 * Whether a request names us: a web page that has its own name lead to our address, to read us in somebody's browser
 * (DNS rebinding), can bring only a name that public DNS has. Probes of HTTP/1.0 name nobody; browsers always do.
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

function sendReadiness(res: ServerResponse, checks: readonly ReadinessCheck[]): void {
  const ready = checks.every((check) => check.ready);
  send(res, ready ? 200 : 503, 'application/json', `${JSON.stringify({ ready, checks }, null, 2)}\n`);
}

async function sendMetrics(res: ServerResponse, metrics: Metrics): Promise<void> {
  const { contentType, body } = await metrics.render();
  send(res, 200, contentType, body);
}

function send(res: ServerResponse, status: number, contentType: string, body: string): void {
  res.writeHead(status, { 'Content-Type': contentType, 'Cache-Control': 'no-store' });
  res.end(body);
}

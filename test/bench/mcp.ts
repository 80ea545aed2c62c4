import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { type ClientRequest, createServer, get, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startGatewayProcess } from '../support/gateway-process.ts';
import { residentMegabytes } from './resident-memory.ts';

/*
 * `node test/bench/mcp.ts`: a catalogue of 500 tools and 1 000 open sessions, beside plain routes that carry the same bytes.
 * test/bench/figures.md holds the figures.
 */

const TOOLS = 500;
const SESSIONS = 1000;
const CALLS = 300;

const CATALOGUE = Array.from({ length: TOOLS }, (_, index) => ({
  name: `tool_${index}`,
  description: `Answers questions of the kind ${index}, for as long as they are asked in one sentence.`,
  inputSchema: { type: 'object', properties: { question: { type: 'string' } }, required: ['question'] },
}));

const ROUTES = `routes:
  - { path: /plain, price: free }
  - path: /mcp
    mcp: { tools: { "tool_1*": $0.01, "tool_2*": $0.02 }, otherwise: free }
`;

async function answer(req: IncomingMessage, res: ServerResponse): Promise<void> {
  if (req.method === 'GET') {
    res.writeHead(200, { 'Content-Type': 'text/event-stream' }).write(': open\n\n');
    return;
  }
  let body = '';
  for await (const chunk of req) body += chunk;
  const { id, method } = JSON.parse(body);
  const result = method === 'tools/list' ? { tools: CATALOGUE } : {};
  res.setHeader('Content-Type', 'application/json').end(JSON.stringify({ jsonrpc: '2.0', id, result }));
}

async function withGateway<T>(upstream: string, work: (url: string, pid: number) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'mcp-bench-'));
  const gateway = startGatewayProcess(
    folder,
    `listen: 127.0.0.1:0
admin: 127.0.0.1:0
upstream: ${upstream}
payTo: "0x209693Bc6afc0C5328bA36FaF03C514EF312287C"
accepts: [base-sepolia]
store: memory
facilitator: { url: "http://127.0.0.1:9" }
${ROUTES}`,
  );
  try {
    const { url } = await gateway.ready;
    return await work(url, gateway.pid ?? 0);
  } finally {
    gateway.kill('SIGKILL');
    await gateway.ended;
    rmSync(folder, { recursive: true });
  }
}

/** Milliseconds of one request, to the last byte of its answer. */
async function timed(url: string, method: string): Promise<number> {
  const begun = performance.now();
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method });
  const headers = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' };
  const response = await fetch(url, { method: 'POST', headers, body });
  const text = await response.text();
  if (response.status !== 200 || !text.includes('"result"'))
    throw new Error(`${response.status} ${text.slice(0, 200)}`);
  return performance.now() - begun;
}

function quantile(times: readonly number[], part: number): number {
  return times.toSorted((a, b) => a - b)[Math.floor(times.length * part)] ?? Number.NaN;
}

async function latency(upstream: string, method: string): Promise<string> {
  return await withGateway(upstream, async (url) => {
    const plain: number[] = [];
    const mcp: number[] = [];
    for (let call = 0; call < CALLS; call++) {
      // In turn, so that both meet the same machine.
      plain.push(await timed(`${url}/plain`, method));
      mcp.push(await timed(`${url}/mcp`, method));
    }
    const cells = [plain, mcp].map(
      (times) => `${quantile(times, 0.5).toFixed(2)} / ${quantile(times, 0.99).toFixed(2)}`,
    );
    return `| ${method}, ms, median / 99 % | ${cells.join(' | ')} |`;
  });
}

async function memory(upstream: string, path: string): Promise<string> {
  return await withGateway(upstream, async (url, pid) => {
    const before = await residentMegabytes(pid);
    const open: ClientRequest[] = [];
    for (let session = 0; session < SESSIONS; session++) {
      const request = get(`${url}${path}`, { agent: false, headers: { 'mcp-session-id': `s${session}` } });
      const [response] = await once(request, 'response');
      response.resume();
      open.push(request);
    }
    const after = await residentMegabytes(pid);
    for (const request of open) request.destroy();
    return `${before.toFixed(0)} → ${after.toFixed(0)}`;
  });
}

const server = createServer((req, res) => void answer(req, res)).listen(0, '127.0.0.1');
await once(server, 'listening');
const upstream = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
const rows = [await latency(upstream, 'tools/list'), await latency(upstream, 'ping')];
const sessions = [await memory(upstream, '/plain'), await memory(upstream, '/mcp')];
rows.push(`| ${SESSIONS} open event streams, MB | ${sessions.join(' | ')} |`);
process.stdout.write(`| | plain route | MCP route |\n|---|---|---|\n${rows.join('\n')}\n`);
server.closeAllConnections();
server.close();

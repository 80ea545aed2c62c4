import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { type ClientRequest, createServer, get, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startGatewayProcess } from '../support/gateway-process.ts';
import { processorMicrosOf } from './processor-time.ts';
import { residentMegabytes } from './resident-memory.ts';

/*
 * `node test/bench/mcp.ts`: a catalogue of 500 tools and 1 000 open sessions, beside plain routes: one that carries the
 * catalogue as the server has it, and one that carries it with its prices, which are the very bytes that the MCP route sends.
 * Both kinds of requests are made in turn; the processor time of the gateway is taken over blocks of them, in turn as well.
 * test/bench/figures.md holds the figures.
 */

const TOOLS = 500;
const SESSIONS = 1000;
const CALLS = 1000;
/** Calls whose processor time is taken at once. */
const BLOCK = 50;

const CATALOGUE = Array.from({ length: TOOLS }, (_, index) => ({
  name: `tool_${index}`,
  description: `Answers questions of the kind ${index}, for as long as they are asked in one sentence.`,
  inputSchema: { type: 'object', properties: { question: { type: 'string' } }, required: ['question'] },
}));

const listed = JSON.stringify({ tools: CATALOGUE });
/** The same as the gateway tells it. */
let told = listed;

const ROUTES = `routes:
  - { path: /plain, price: free }
  - { path: /told, price: free }
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
  const catalogue = req.url === '/told' ? told : listed;
  const result = method === 'tools/list' ? catalogue : '{}';
  res.setHeader('Content-Type', 'application/json').end(`{"jsonrpc":"2.0","id":${id},"result":${result}}`);
}

async function withGateway<T>(upstream: string, work: (url: string, pid: number) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'mcp-bench-'));
  const gateway = startGatewayProcess(
    folder,
    `listen: 127.0.0.1:0
admin: 127.0.0.1:0
limits: { connectionsPerAddress: 10000, upstreamCallsPerClient: 10000 }
upstream: { url: "${upstream}", connections: 10000 }
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

/** Sends a message and reads its answer. */
async function ask(url: string, method: string): Promise<string> {
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method });
  const headers = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' };
  const response = await fetch(url, { method: 'POST', headers, body });
  const text = await response.text();
  if (response.status !== 200 || !text.includes('"result"'))
    throw new Error(`${response.status} ${text.slice(0, 200)}`);
  return text;
}

/** Milliseconds of one request, to the last byte of its answer. */
async function timed(url: string, method: string): Promise<number> {
  const begun = performance.now();
  await ask(url, method);
  return performance.now() - begun;
}

function quantile(times: readonly number[], part: number): number {
  return times.toSorted((a, b) => a - b)[Math.floor(times.length * part)] ?? Number.NaN;
}

async function latency(upstream: string, method: string): Promise<readonly string[]> {
  return await withGateway(upstream, async (url, pid) => {
    told = JSON.stringify(JSON.parse(await ask(`${url}/mcp`, 'tools/list')).result);
    const paths = [`${url}/plain`, `${url}/told`, `${url}/mcp`];
    const times: number[][] = paths.map(() => []);
    const work: number[][] = paths.map(() => []);
    // The first ones compile and fill what is remembered.
    for (const path of paths) for (let call = 0; call < BLOCK; call++) await timed(path, method);
    for (let block = 0; block < CALLS / BLOCK; block++) {
      for (const [kind, path] of paths.entries()) {
        const before = await processorMicrosOf(pid);
        for (let call = 0; call < BLOCK; call++) times[kind]?.push(await timed(path, method));
        work[kind]?.push(((await processorMicrosOf(pid)) - before) / 1000 / BLOCK);
      }
    }
    const cells = times.map((each) => `${quantile(each, 0.5).toFixed(2)} / ${quantile(each, 0.99).toFixed(2)}`);
    const works = work.map((each) => quantile(each, 0.5).toFixed(2));
    return [
      `| \`${method}\`, ms, median / 99 % | ${cells.join(' | ')} |`,
      `| \`${method}\`, processor ms of the gateway | ${works.join(' | ')} |`,
    ];
  });
}

/** Memory of a gateway before streams are opened and with them, in MB. */
async function memory(upstream: string, path: string): Promise<string> {
  return await withGateway(upstream, async (url, pid) => {
    const before = await residentMegabytes(pid);
    const open: ClientRequest[] = [];
    for (let session = 0; session < SESSIONS; session++) {
      const request = get(`${url}${path}`, { agent: false, headers: { 'mcp-session-id': `s${session}` } });
      const [response] = await once(request, 'response');
      if (response.statusCode !== 200) throw new Error(`stream ${session} got ${response.statusCode}`);
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
const rows = [...(await latency(upstream, 'tools/list')), ...(await latency(upstream, 'ping'))];
for (let round = 0; round < 2; round++) {
  const sessions = [await memory(upstream, '/plain'), '', await memory(upstream, '/mcp')];
  rows.push(`| ${SESSIONS} open event streams, MB resident | ${sessions.join(' | ')} |`);
}
process.stdout.write(
  `| | plain route | plain route, with prices | MCP route |\n|---|---|---|---|\n${rows.join('\n')}\n`,
);
server.closeAllConnections();
server.close();

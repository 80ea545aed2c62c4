import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterAll, describe, expect, it } from 'vitest';
import { run } from '../../../src/cli/main.ts';
import type { Terminal } from '../../../src/cli/terminal.ts';

const TABLE = `\
upstream: { url: "http://127.0.0.1:8080/base", headers: { X-Api-Key: hidden-value } }
publicUrl: https://api.example.com
payTo: "0x209693Bc6afc0C5328bA36FaF03C514EF312287C"
accepts: [base]
facilitator: https://facilitator.example.com
store: sqlite:./turnpike.db
routes:
  - path: /healthz
    price: free
  - path: /v1/weather/:city
    methods: [GET]
    price: $0.001
  - path: /v1/*
    price: $0.05
    settle: before
  - path: /partner/:id
    host: partner.example.com
    price: 0.25 USDC
`;

interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

async function cli(...argv: string[]): Promise<Ran> {
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
  const terminal: Terminal = { stdin, stdout, stderr, env: {}, on: () => {}, off: () => {} };
  const code = await run(argv, terminal);
  return { code, out: String(stdout.read() ?? ''), err: String(stderr.read() ?? '') };
}

const folder = mkdtempSync(join(tmpdir(), 'turnpike-cli-'));
let files = 0;

function file(text: string): string {
  files += 1;
  const path = join(folder, `${files}-gateway.yaml`);
  writeFileSync(path, text);
  return path;
}

afterAll(() => rmSync(folder, { recursive: true }));

describe('the command line', () => {
  it('shows the version of the package on stdout', async () => {
    const { code, out } = await cli('--version');
    expect(code).toBe(0);
    expect(out).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  it.each([
    'start',
    'check',
    'routes',
    'explain',
    'schema',
    'devnet',
    'demo',
    'mcp',
    'listed',
    'pay',
  ])('shows an example in the help of %s', async (command) => {
    const { code, out, err } = await cli(command, '--help');
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toMatch(new RegExp(`Examples?:\\n  \\$ .*turnpike ${command}`));
  });

  it.each([
    ['no command', []],
    ['an unknown command', ['toll']],
    ['an unknown option', ['check', '--nope']],
    ['a missing argument', ['explain', 'GET']],
    ['a port that is none', ['devnet', '--port', '70000']],
    ['a header that is none', ['explain', 'GET', '/', '-H', 'secret', '-c', file(TABLE)]],
    ['a URL with a strange host', ['explain', 'GET', 'http://a@b/', '-c', file(TABLE)]],
    ['a URL with a password', ['explain', 'GET', 'http://u:secret@b/', '-c', file(TABLE)]],
    ['a URL that is none', ['pay', 'example.com/x']],
    ['a limit without a currency', ['pay', 'http://127.0.0.1/', '--max', '5']],
    ['a limit of nothing', ['pay', 'http://127.0.0.1/', '--max', 'free']],
    ['a body on a GET', ['pay', 'http://127.0.0.1/', '-X', 'GET', '-d', 'body']],
  ])('ends with 2 for %s, and says so on stderr', async (_, argv) => {
    const { code, out, err } = await cli(...argv);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).not.toBe('');
    expect(err).not.toContain('secret');
  });

  it.each(['start', 'routes'])('tells in one line that %s has no configuration file', async (command) => {
    const { code, out, err } = await cli(command, '-c', '/nowhere/gateway.yaml');
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toBe(
      'turnpike: cannot read the configuration /nowhere/gateway.yaml: there is no such file; name it with -c FILE\n',
    );
  });

  it('refuses to start on a bad file and names every problem', async () => {
    const path = file(`${TABLE}  - path: /typo\n    prize: $1\n`);
    const { code, out, err } = await cli('start', '-c', path);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toContain(`${path}:19:5 routes[4].price: it is missing`);
    expect(err).toContain(`${path}:20:5 routes[4].prize: the key "prize" is not known`);
  });
});

describe('check', () => {
  it('says in one line that a file is fine, and which public node is asked about payments in doubt', async () => {
    const path = file(TABLE);
    const { code, out, err } = await cli('check', '-c', path);
    expect({ code, out }).toEqual({ code: 0, out: `${path}: fine, 4 routes, 3 priced\n` });
    expect(err).toMatch(/^note: [^\n]* on base [^\n]* public node https:\/\/mainnet\.base\.org; [^\n]*\n$/);
  });

  it('writes each problem as a line on stdout and ends with 2', async () => {
    const path = file(TABLE.replace('$0.05', '$0.0000001').replace('price: free', 'price: fre'));
    const { code, out, err } = await cli('check', '-c', path);
    expect(code).toBe(2);
    const lines = out.trimEnd().split('\n');
    expect(lines).toHaveLength(2);
    expect(lines[0]).toMatch(/gateway\.yaml:9:12 routes\[0\]\.price: .*, expected /);
    expect(lines[1]).toMatch(/gateway\.yaml:14:12 routes\[2\]\.price: .*, expected /);
    expect(err).toContain('2 problems');
  });

  it('suggests -c when a file is given as an argument', async () => {
    const { code, err } = await cli('check', 'my.yaml');
    expect(code).toBe(2);
    expect(err).toContain('(Did you mean -c my.yaml?)');
  });

  it('writes {ok, problems} as JSON, of a missing file too', async () => {
    const { code, out, err } = await cli('check', '--json', '-c', '/nowhere/gateway.yaml');
    expect({ code, err }).toEqual({ code: 2, err: '' });
    expect(JSON.parse(out)).toMatchObject({ ok: false, problems: [{ file: '/nowhere/gateway.yaml', line: 1 }] });
    const fine = await cli('check', '--json', '-c', file(TABLE));
    expect(JSON.parse(fine.out)).toEqual({ ok: true, problems: [], warnings: [] });
  });
});

describe('routes', () => {
  it('shows each route in a line, without secrets', async () => {
    const { code, out } = await cli('routes', '-c', file(TABLE));
    expect(code).toBe(0);
    expect(out).toMatch(/GET +\* +\/v1\/weather\/:city +0\.001 USDC +base +after/);
    expect(out).toMatch(/\* +partner\.example\.com +\/partner\/:id +0\.25 USDC/);
    expect(out).toContain('unmatched: deny (404)');
    expect(out).not.toContain('hidden-value');
  });

  it('writes them as JSON', async () => {
    const { out } = await cli('routes', '--json', '-c', file(TABLE));
    const { routes } = JSON.parse(out);
    expect(routes).toHaveLength(4);
    expect(routes[1]).toMatchObject({
      path: '/v1/weather/:city',
      offers: [{ amount: '1000', network: 'eip155:8453' }],
    });
  });
});

describe('explain', () => {
  const explain = async (...argv: string[]) => {
    const { code, out } = await cli('explain', ...argv, '--json', '-c', file(TABLE));
    expect(code).toBe(0);
    return JSON.parse(out);
  };

  it('names the route, the reasons, the price and the destination', async () => {
    const { code, out } = await cli(
      'explain',
      'GET',
      'https://api.example.com/v1/weather/pa%72is?d=1',
      '-c',
      file(TABLE),
    );
    expect(code).toBe(0);
    expect(out).toContain('route     GET /v1/weather/:city');
    expect(out).toContain(':city takes "paris"');
    expect(out).toContain('before /v1/*, which matches too: a literal segment beats /*');
    expect(out).toContain('0.001 USDC (1000 atomic units of 0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913)');
    expect(out).toContain('upstream  http://127.0.0.1:8080/base/v1/weather/paris?d=1');
  });

  it('shows a call of a tool as the request that it stands for', async () => {
    const table = file(
      TABLE.replace(
        'routes:\n',
        'discovery: { mcp: true }\nroutes:\n  - { path: "/city/:name", methods: [GET], price: $0.01 }\n',
      ),
    );
    const explained = async (message: object) => {
      const body = JSON.stringify({ jsonrpc: '2.0', id: 1, ...message });
      return JSON.parse((await cli('explain', 'POST', '/mcp', '-d', body, '--json', '-c', table)).out);
    };
    const call = (name: string) => ({
      method: 'tools/call',
      params: { name: 'GET_city_name', arguments: { name, query: { q: 1 } } },
    });
    expect(await explained(call('São'))).toMatchObject({
      kind: 'matched',
      path: '/city/S%C3%A3o',
      request: { method: 'GET', target: '/city/S%C3%A3o?q=1' },
      route: { price: '0.01 USDC' },
    });
    expect(await explained(call('a/b'))).toMatchObject({ kind: 'refused', code: 'request_target_invalid' });
    expect(await explained({ method: 'tools/list' })).toMatchObject({ kind: 'discovery' });
  });

  it('says what a message to an MCP server costs, and that most of them are free', async () => {
    const table = file(
      TABLE.replace('routes:\n', 'routes:\n  - path: /mcp\n    mcp: { tools: { search: $0.01, time: free } }\n'),
    );
    const asked = async (method: string, ...body: string[]) =>
      JSON.parse((await cli('explain', method, '/mcp', ...body, '--json', '-c', table)).out);
    const post = (message: object) => asked('POST', '-d', JSON.stringify({ jsonrpc: '2.0', id: 1, ...message }));
    const call = (name: string) => post({ method: 'tools/call', params: { name } });
    expect(await post({ method: 'initialize', params: {} })).toMatchObject({
      kind: 'matched',
      fits: { price: 'free', when: 'initialize, which buys nothing' },
      answer: 'what the upstream answers, free of charge',
    });
    expect(await asked('DELETE')).toMatchObject({ kind: 'matched', fits: { price: 'free' } });
    expect(await call('search')).toMatchObject({
      kind: 'matched',
      fits: { price: '0.01 USDC' },
      answer: expect.stringMatching(/^a message that states the price/),
    });
    expect(await call('time')).toMatchObject({ kind: 'matched', fits: { price: 'free' } });
    expect(await call('other')).toMatchObject({ kind: 'refused', code: 'request_not_priced' });
    expect(await post({ method: 'tasks/list' })).toMatchObject({
      kind: 'refused',
      why: expect.stringContaining('-32601'),
    });
  });

  it('shows which headers are added and which removed, and no secret', async () => {
    const headers = ['-H', 'X402-Payer: forged', '-H', 'Accept: text/plain', '-H', 'PAYMENT-SIGNATURE: abc'];
    const { destination } = await explain('GET', '/v1/weather/paris', ...headers);
    expect(destination.headersAdded).toContain('X402-Payer: (the payer)');
    expect(destination.headersAdded).toContain('X402-Amount: 1000');
    expect(destination.headersAdded).toContainEqual(expect.stringMatching(/^x-api-key: \(from the configuration\)$/i));
    expect(destination.headersRemoved).toEqual(['Host', 'X402-Payer', 'PAYMENT-SIGNATURE']);
    expect(JSON.stringify(destination)).not.toContain('hidden-value');
  });

  it('says of a discovery document that the gateway answers it itself, unless a route has its path or it is turned off', async () => {
    for (const path of ['/openapi.json', '/llms.txt', '/.well-known/x402']) {
      expect(await explain('GET', path)).toMatchObject({ kind: 'discovery', path });
      const { out } = await cli('explain', 'HEAD', path, '-c', file(TABLE));
      expect(out).toContain(`answer    the gateway's own ${path}, free of charge`);
    }
    expect(await explain('POST', '/llms.txt')).toMatchObject({ kind: 'unmatched' });
    const own = file(`${TABLE}  - { path: /llms.txt, price: $0.01 }\n`);
    const priced = await cli('explain', 'GET', '/llms.txt', '-c', own);
    expect(priced.out).toContain('route     /llms.txt');
    const off = await cli('explain', 'GET', '/llms.txt', '-c', file(`discovery: off\n${TABLE}`));
    expect(off.out).toContain('route     none matches');
  });

  it('says of the document of the keys that sign receipts that the gateway answers it, and by which key it is turned off', async () => {
    const path = '/.well-known/did.json';
    expect(await explain('GET', path)).toMatchObject({ kind: 'unmatched' });
    for (const format of ['jws', 'eip712']) {
      const signing = `receipts: { format: ${format} }\n`;
      const { out } = await cli('explain', 'GET', path, '-c', file(signing + TABLE));
      expect(out).toContain(`answer    the gateway's own ${path}, free of charge`);
      expect(out).toContain('receipts: off turns it off');
    }
    const { out } = await cli('explain', 'GET', '/.well-known/other', '-c', file(TABLE));
    expect(out).toContain('route     none matches');
  });

  it('names the unix socket that an API listens on', async () => {
    const table = file(TABLE.replace('"http://127.0.0.1:8080/base"', 'unix:/run/api.sock'));
    const { out } = await cli('explain', 'GET', '/v1/weather/paris?d=1', '-c', table);
    expect(out).toContain('upstream  unix:/run/api.sock:/v1/weather/paris?d=1');
    expect((await cli('routes', '-c', table)).out).toContain('unix:/run/api.sock');
    const relative = await cli('check', '-c', file(TABLE.replace('"http://127.0.0.1:8080/base"', 'unix:./api.sock')));
    expect(relative.code).toBe(2);
    expect(relative.out).toContain('"./api.sock" is not the absolute path of a socket');
  });

  it('names the network, the pass that is sold, and how many clients are charged', async () => {
    const table = TABLE.replace('price: $0.001', 'price: $0.001\n    access: { for: 1h, requests: 3 }');
    const routeLine = (await cli('routes', '-c', file(table))).out;
    expect(routeLine).toContain('0.001 USDC for 3600s, 3 requests of route:GET /v1/weather/:city');
    const asked = ['explain', 'GET', '/v1/weather/paris', '-c'];
    const { out } = await cli(...asked, file(`enforce: 25%\n${table}`));
    expect(out).toContain('on base (eip155:8453) to 0x');
    expect(out).toContain('sells     a pass for 3600s, 3 requests of route:GET /v1/weather/:city');
    expect(out).toContain('answer    to 25% of the clients 402 without payment');
    const off = file(`enforce: off\n${table}`);
    expect((await cli(...asked, off)).out).toContain(
      'answer    what the upstream answers, free of charge, to every client',
    );
    expect((await cli('check', '-c', off)).err).toContain('note: shadow mode: 3 of 3 priced routes');
  });

  it('shows that a tracing gateway replaces the trace headers of the client with its own', async () => {
    const traced = file(`tracing: { endpoint: http://127.0.0.1:4318 }\n${TABLE}`);
    const headers = ['-H', 'traceparent: of-the-client', '-H', 'tracestate: a=1'];
    const { out } = await cli('explain', 'GET', '/v1/weather/paris', ...headers, '--json', '-c', traced);
    const { destination } = JSON.parse(out);
    expect(destination.headersAdded).toContain('traceparent: (of this request)');
    expect(destination.headersRemoved).toEqual(['Host', 'traceparent', 'tracestate']);
  });

  it('takes the host from the URL, from -H, or from publicUrl', async () => {
    expect(await explain('GET', 'http://partner.example.com:8402/partner/1')).toMatchObject({ kind: 'matched' });
    expect(await explain('GET', '/partner/1', '-H', 'Host: PARTNER.example.com')).toMatchObject({ kind: 'matched' });
    const elsewhere = await explain('GET', '/partner/1');
    expect(elsewhere).toMatchObject({ kind: 'unmatched', request: { host: 'api.example.com' } });
    expect(elsewhere.why.join()).toContain('takes only the host partner.example.com');
  });

  it.each([
    ['/v1//weather', 'empty segment'],
    ['/v1/%2e%2e/healthz', '. or .. segment'],
    ['/v1%2Fweather', 'encoded slash'],
    ['/v1/a;b', 'must be percent-encoded or is not allowed'],
  ])('says why the path %s is refused', async (path, why) => {
    const explanation = await explain('GET', path);
    expect(explanation).toMatchObject({ kind: 'refused', status: 400, code: 'request_target_invalid' });
    expect(explanation.why).toContain(why);
  });

  it('says which method a path would take', async () => {
    const table = file(TABLE.replace('  - path: /v1/*\n    price: $0.05\n    settle: before\n', ''));
    const { out } = await cli('explain', 'POST', '/v1/weather/paris', '-c', table);
    expect(out).toContain('GET /v1/weather/:city has the path, but takes only GET');
    expect(out).toContain('404 route_not_found');
  });

  it('says where requests without a route go', async () => {
    const { out } = await cli('explain', 'PUT', '/else?a=b', '-c', file(`unmatched: pass\n${TABLE}`));
    expect(out).toContain('no route has the path /else');
    expect(out).toContain('free of charge (unmatched: pass)');
    expect(out).toContain('upstream  http://127.0.0.1:8080/base/else?a=b');
  });

  it('explains a free route, a HEAD, a preflight and a method that is never forwarded', async () => {
    expect(await explain('GET', '/healthz')).toMatchObject({ route: { price: 'free' } });
    expect(await explain('HEAD', '/v1/weather/paris')).toMatchObject({ route: { price: '0.001 USDC' } });
    const preflight = ['-H', 'Origin: https://shop.example', '-H', 'Access-Control-Request-Method: GET'];
    expect(await explain('OPTIONS', '/v1/weather/paris', ...preflight)).toMatchObject({ kind: 'preflight' });
    expect(await explain('TRACE', '/v1/weather/paris')).toMatchObject({ kind: 'refused', status: 405 });
  });
});

describe('schema', () => {
  it('prints the JSON Schema of the configuration', async () => {
    const { code, out } = await cli('schema');
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ $schema: expect.stringContaining('json-schema'), type: 'object' });
  });
});

import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterAll, describe, expect, it } from 'vitest';
import { coverageOf } from '../../../src/cli/coverage.ts';
import { run } from '../../../src/cli/main.ts';
import type { Terminal } from '../../../src/cli/terminal.ts';
import { loadConfig } from '../../../src/config/load.ts';
import type { Plan } from '../../../src/domain/plan.ts';
import { isPriced, pricesText } from '../../../src/domain/route-price.ts';
import { parseApiDocument } from '../../../src/openapi/document.ts';
import { type OperationList, readOperations } from '../../../src/openapi/operations.ts';
import { loadSchemes } from '../../../src/registry.ts';

const PAY_TO = '0x209693Bc6afc0C5328bA36FaF03C514EF312287C';
const SOLANA_PAY_TO = '9xQeWvG816bUx9EPjHmaT23yvVM2ZWbrrpZb9PusVFin';
const EXAMPLES = new URL('../../../node_modules/@readme/oas-examples/', import.meta.url);
const folder = mkdtempSync(join(tmpdir(), 'turnpike-init-'));
afterAll(() => rmSync(folder, { recursive: true }));

interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

async function init(options: readonly string[], answers?: readonly string[]): Promise<Ran> {
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
  if (answers !== undefined) stdin.end(answers.map((answer) => `${answer}\n`).join(''));
  const terminal: Terminal = {
    stdin: Object.assign(stdin, { isTTY: answers !== undefined }),
    stdout,
    stderr,
    env: {},
    on: () => {},
    off: () => {},
  };
  const code = await run(['init', ...options], terminal);
  return { code, out: String(stdout.read() ?? ''), err: String(stderr.read() ?? '') };
}

const GIVEN = ['--upstream', 'http://127.0.0.1:8080', '--pay-to', PAY_TO, '--network', 'base'];

async function planOf(text: string): Promise<Plan> {
  const readFile = (): string => '';
  const loaded = loadConfig({ file: 'gateway.yaml', text, env: {}, readFile, schemes: await loadSchemes() });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  return loaded.plan;
}

let files = 0;
function file(content: string): string {
  files += 1;
  const path = join(folder, `${files}.json`);
  writeFileSync(path, content);
  return path;
}

function operationsOf(path: string): OperationList {
  const parsed = parseApiDocument(readFileSync(path, 'utf8'));
  return parsed.ok ? readOperations(parsed.value) : { operations: [], unreadable: [] };
}

const documents = ['2.0', '3.0', '3.1'].flatMap((version) =>
  readdirSync(new URL(`${version}/json/`, EXAMPLES))
    .filter((name) => name.endsWith('.json') && name !== 'webhooks.json')
    .map((name) => `${version}/json/${name}`),
);

describe('turnpike init', () => {
  it.each(documents)('loses no operation of %s and makes none free', async (name) => {
    const path = new URL(name, EXAMPLES).pathname;
    const { code, out, err } = await init([...GIVEN, '--from-openapi', path, '-o', '-']);
    expect({ code, err: err.replace(/^warning: .*\n/gm, '') }).toMatchObject({ code: 0 });
    const plan = await planOf(out);
    const list = operationsOf(path);
    expect(list.operations.length).toBeGreaterThan(0);
    const { unpriced, unused } = coverageOf(plan, list);
    const told = err.match(/^not for sale: /gm)?.length ?? 0;
    expect({
      unpriced: unpriced.length,
      unused,
      free: plan.routes.filter((route) => !isPriced(route)),
    }).toEqual({
      unpriced: told,
      unused: [],
      free: [],
    });
  });

  it('prices operations by their tags, the dearest tag first, and frees what is named', async () => {
    const document = file(
      JSON.stringify({
        openapi: '3.1.0',
        servers: [{ url: 'https://api.example.com/v1' }],
        paths: {
          '/health': { get: {} },
          '/a': { get: { tags: ['cheap', 'dear'] } },
          '/b': { get: { tags: ['cheap'] }, post: {} },
        },
      }),
    );
    const { out } = await init([
      ...GIVEN,
      ...['--from-openapi', document, '-o', '-', '--price', '$0.01', '--free', 'GET /v1/health'],
      ...['--price-per-tag', 'cheap=$0.001', '--price-per-tag', 'dear=$0.5'],
    ]);
    const plan = await planOf(out);
    expect(plan.routes.map((route) => [route.name, pricesText(route)])).toEqual([
      ['GET /v1/health', 'free'],
      ['GET /v1/a', '$0.5'],
      ['GET /v1/b', '$0.001'],
      ['POST /v1/b', '$0.01'],
    ]);
  });

  it('sells operations that no route can tell apart at the higher price, and free only when both are free', async () => {
    const document = file(
      JSON.stringify({
        openapi: '3.1.0',
        paths: {
          '/u/{id}': { get: {} },
          '/u/{name}': { get: { tags: ['dear'] } },
          '/x/{a}': { get: {} },
          '/x/{b}': { get: {} },
        },
      }),
    );
    const tags = [
      '--price-per-tag',
      'dear=$2',
      '--free',
      'GET /u/{id}',
      '--free',
      'GET /x/{a}',
      '--free',
      'GET /x/{b}',
    ];
    const { out, err } = await init([...GIVEN, '--from-openapi', document, '-o', '-', ...tags]);
    const plan = await planOf(out);
    expect(plan.routes.map((route) => pricesText(route))).toEqual(['$2', 'free']);
    expect(err).toContain('2 operations share the route of others');
  });

  it('tells operations apart that differ in a part of a segment', async () => {
    const tags = ['--price-per-tag', 'dear=$2'];
    const paths = { '/m/{model}:run': { post: { tags: ['dear'] } }, '/m/{model}:count': { post: {} } };
    const document = file(JSON.stringify({ openapi: '3.1.0', paths }));
    const { out } = await init([...GIVEN, '--from-openapi', document, '-o', '-', ...tags]);
    const plan = await planOf(out);
    const price = (path: string) => {
      const route = plan.table.match('POST', '', path);
      return route === undefined ? undefined : pricesText(route);
    };
    expect([price('/m/a:run'), price('/m/a:count'), price('/m/a')]).toEqual(['$2', '$0.001', undefined]);
  });

  it('sells two ambiguous paths at the higher price, and keeps paths with an order of precedence apart', async () => {
    const paths = {
      '/a{x}': { get: { tags: ['dear'] } },
      '/{x}b': { get: {}, post: {} },
      '/{y}.json': { get: {} },
      '/a{x}.json': { get: {} },
      '/img(w={w})': { get: {} },
      '/img(w={w},h={h})': { get: { tags: ['dear'] } },
      '/x/ab{n}c': { get: {} },
      '/x/a{n}dc': { get: {} },
    };
    const document = file(JSON.stringify({ openapi: '3.1.0', paths }));
    const given = [...GIVEN, '--from-openapi', document, '-o', '-', '--price-per-tag', 'dear=$2'];
    const { code, out, err } = await init(given);
    expect({ code, err }).toMatchObject({ code: 0 });
    const plan = await planOf(out);
    const pattern = (path: string) => plan.table.match('GET', '', path)?.pattern.text;
    expect(['/a1b', '/1b', '/1.json', '/a1.json', '/img(w=1,h=2)', '/x/ab1dc'].map(pattern)).toEqual([
      '/:x',
      '/:x',
      '/:x',
      '/a{x}.json',
      '/img(w={w})',
      '/x/a{n}c',
    ]);
    const price = (method: string, path: string) => {
      const route = plan.table.match(method, '', path);
      return route === undefined ? undefined : pricesText(route);
    };
    expect([price('GET', '/a1b'), price('POST', '/1b'), price('GET', '/img(w=1)')]).toEqual(['$2', '$0.001', '$2']);
    expect(coverageOf(plan, operationsOf(document))).toEqual({ unpriced: [], unused: [] });
    const free = await init([...given, '--free', 'GET /{x}b']);
    expect([free.code, free.out, free.err]).toEqual([
      2,
      '',
      expect.stringContaining('would give more away: GET /{x}b'),
    ]);
  });

  it('writes texts that mean what the document says, whatever is in them', async () => {
    const summary = `Costs \${HOME} "quoted" # not a comment: [x]\u2028next\nline \u202Eturned`;
    const document = file(JSON.stringify({ openapi: '3.1.0', paths: { [`/\${A}`]: { get: { summary } } } }));
    const { out } = await init([...GIVEN, '--from-openapi', document, '-o', '-']);
    const [route] = (await planOf(out)).routes;
    expect(route?.prices[0]?.description).toBe(`Costs \${HOME} "quoted" # not a comment: [x] next line turned`);
  });

  it('names operations that no route can sell', async () => {
    const paths = { '/a': { get: {}, trace: {} }, '/b//c': { get: {} }, '/d': { $ref: 'other.yaml' } };
    const document = file(JSON.stringify({ openapi: '3.0.0', paths }));
    const { code, out, err } = await init([...GIVEN, '--from-openapi', document, '-o', '-']);
    expect(code).toBe(0);
    for (const text of ['TRACE /a: the gateway does not forward TRACE', 'GET /b//c', 'paths./d']) {
      expect(err).toContain(text);
      expect(out).toContain(text);
    }
  });

  it('names operations of OpenAPI 3.2 that no route can sell', async () => {
    const paths = { '/a': { get: {}, query: {}, additionalOperations: { PURGE: {} } } };
    const document = file(JSON.stringify({ openapi: '3.2.0', paths }));
    const { code, err } = await init([...GIVEN, '--from-openapi', document, '-o', '-']);
    expect(code).toBe(0);
    for (const text of ['QUERY /a: the gateway', 'PURGE /a: the gateway does not forward PURGE']) {
      expect(err).toContain(text);
    }
  });

  it('asks a person for missing values, and asks again after an invalid answer', async () => {
    const path = join(folder, 'asked.yaml');
    const { code, err } = await init(['-o', path], ['', 'base', 'nonsense', PAY_TO, '']);
    expect({ code, err }).toMatchObject({ code: 0 });
    expect(err).toContain('"nonsense" is not an EVM address');
    const plan = await planOf(readFileSync(path, 'utf8'));
    expect(plan.routes.map((route) => route.pattern.text)).toEqual(['/*']);
  });

  it('asks for an address of the network that was answered', async () => {
    const path = join(folder, 'solana.yaml');
    const { code, err } = await init(['-o', path], ['', 'solana', PAY_TO, SOLANA_PAY_TO, '']);
    expect({ code, err }).toMatchObject({ code: 0, err: expect.stringContaining('is not a Solana address') });
    expect((await planOf(readFileSync(path, 'utf8'))).routes).toHaveLength(1);
  });

  it('writes a file for a network of another family from options, too', async () => {
    const options = ['--upstream', 'http://a', '--network', 'solana', '--pay-to', SOLANA_PAY_TO, '-o', '-'];
    const { code, out } = await init(options);
    expect(code).toBe(0);
    expect((await planOf(out)).routes).toHaveLength(1);
  });

  it('writes nothing when the answers end early', async () => {
    const path = join(folder, 'unfinished.yaml');
    expect(await init(['-o', path], [''])).toMatchObject({ code: 1 });
    expect(existsSync(path)).toBe(false);
  });

  it.each([
    ['without a terminal and options', [], 'missing --upstream URL and --pay-to ADDRESS'],
    ['a wallet that is none', ['--upstream', 'http://a', '--pay-to', '0x1'], '--pay-to: "0x1" is not an EVM address'],
    ['a wallet of another network', [...GIVEN, '--network', 'solana'], `--pay-to: "${PAY_TO}" is not a Solana address`],
    [
      'a wallet of another network than is assumed',
      ['--upstream', 'http://a', '--pay-to', SOLANA_PAY_TO],
      '40 hex digits; without --network it is base-sepolia',
    ],
    ['a network without a wallet', ['--upstream', 'http://a', '--network', 'solana'], 'missing --pay-to ADDRESS'],
    ['a network that is unknown', [...GIVEN, '--network', 'bass'], '--network: '],
    ['a price that is free', [...GIVEN, '--price', 'free'], '--price: "free" is not a price in dollars'],
    ['a price with an exponent', [...GIVEN, '--price', '$1e-3'], '--price: '],
    ['a tag without a price', [...GIVEN, '--price-per-tag', 'a'], '--price-per-tag "a" is not a tag and a price'],
    ['a free operation without a method', [...GIVEN, '--free', '/health'], "such as 'GET /health'"],
    ['a document elsewhere', [...GIVEN, '--from-openapi', 'https://api.example.com/o.json'], 'is not on this machine'],
    ['a document that is missing', [...GIVEN, '--from-openapi', '/nowhere.json'], 'cannot read /nowhere.json'],
  ])('refuses %s', async (_, options, wrong) => {
    const { code, err } = await init([...options, '-o', '-']);
    expect(code).toBe(2);
    expect(err).toContain(wrong);
  });

  it('refuses --free for an operation that does not exist', async () => {
    const document = file(JSON.stringify({ openapi: '3.0.0', paths: { '/a': { get: {} } } }));
    const { code, err } = await init([...GIVEN, '--from-openapi', document, '--free', 'GET /b', '-o', '-']);
    expect({ code, err }).toMatchObject({ code: 2, err: expect.stringContaining('GET /b') });
  });

  it('refuses a tag that no operation has, and names the operation that a path without its base path means', async () => {
    const description = {
      openapi: '3.0.0',
      servers: [{ url: '/v1' }],
      paths: { '/a': { get: { tags: ['reports'] } } },
    };
    const document = file(JSON.stringify(description));
    const given = [...GIVEN, '--from-openapi', document, '-o', '-'];
    const misspelt = await init([...given, '--price-per-tag', 'report=$0.5']);
    expect(misspelt).toMatchObject({ code: 2, out: '', err: expect.stringContaining('no operation') });
    const { code, err } = await init([...given, '--free', 'GET /a']);
    expect({ code, err }).toMatchObject({ code: 2, err: expect.stringContaining('GET /a (GET /v1/a is one)') });
  });

  it('shows how the description is published, from where the file is written', async () => {
    const document = file('{"openapi":"3.1.0","info":{"title":"a","version":"1"},"paths":{"/a":{"get":{}}}}');
    const path = join(folder, 'published.yaml');
    expect((await init([...GIVEN, '--from-openapi', document, '-o', path])).code).toBe(0);
    const [, told = ''] = /^# (discovery: \{ openapi: (\S+) \})/m.exec(readFileSync(path, 'utf8')) ?? [];
    expect(told).toContain(`./${basename(document)}`);
    const loaded = loadConfig({
      file: path,
      text: `${told}\n${readFileSync(path, 'utf8')}`,
      env: {},
      readFile: (asked) => readFileSync(asked, 'utf8'),
      schemes: await loadSchemes(),
    });
    expect(loaded.ok && loaded.plan.discovery?.document?.version).toBe('3.1.0');
  });

  it('overwrites a file only when it is told to', async () => {
    const path = file('precious');
    expect(await init([...GIVEN, '-o', path])).toMatchObject({ code: 2, err: expect.stringContaining('--force') });
    expect(readFileSync(path, 'utf8')).toBe('precious');
    expect(await init([...GIVEN, '-o', path, '--force'])).toMatchObject({ code: 0 });
    expect(readFileSync(path, 'utf8')).toContain('routes:');
  });

  it('reads a description from an API on this machine', async () => {
    const server = createServer((_, response) => response.end('{"openapi":"3.0.0","paths":{"/a":{"get":{}}}}'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      const address = server.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      const { code, out } = await init([
        ...GIVEN,
        '--from-openapi',
        `http://127.0.0.1:${port}/openapi.json`,
        '-o',
        '-',
      ]);
      expect({ code, routes: (await planOf(out)).routes.length }).toEqual({ code: 0, routes: 1 });
    } finally {
      server.close();
    }
  });
});

import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import { z } from 'zod';
import { readAssetTable } from '../../config/asset-table.ts';
import { type Cli, example } from '../cli.ts';
import { type ExitCode, UsageError } from '../exit.ts';
import { faultText } from '../fault-text.ts';
import { parseSpendingLimit, type SpendingLimit } from '../pay/spending-limit.ts';
import { openWallet } from '../pay/wallet.ts';
import { notice, printable, type Terminal } from '../terminal.ts';
import { readVersion } from '../version.ts';
import { BoughtPasses } from './bought-passes.ts';
import { Budget } from './budget.ts';
import { type BuyingTerms, buy, type Told, tellPrice } from './buying.ts';
import { type CatalogueEntry, matching, readCatalogue } from './catalogue.ts';
import { createAskedRequest } from './request.ts';
import { UnfinishedPayments } from './unfinished-payments.ts';

interface McpOptions {
  readonly max: string;
  readonly budget: string;
  readonly keyEnv: string;
}

/** Most entries that one search returns. */
const MOST_FOUND = 50;

/** Adds `turnpike mcp`. */
export function addMcp({ program, terminal, finish }: Cli): void {
  program
    .command('mcp')
    .description('an MCP server on stdio that lets an agent search, price and buy from gateways')
    .argument('<gateway...>', 'URL of each gateway that may be bought from')
    .option('--max <price>', "the most that one call may cost: '$0.10', '0.10 USDC', or '10000 0x…'", '$0.10')
    .option('--budget <price>', 'the most that all calls may cost together, for each token', '$1')
    .option('--key-env <name>', 'environment variable that holds the private key', 'TURNPIKE_PAY_KEY')
    .addHelpText('after', example("turnpike mcp https://api.example.com --max '$0.01' --budget '$0.50'"))
    .action(async (gateways: readonly string[], options: McpOptions) =>
      finish(await serve(gateways, options, terminal)),
    );
}

async function serve(given: readonly string[], options: McpOptions, terminal: Terminal): Promise<ExitCode> {
  const gateways = given.map(readGateway);
  const terms: BuyingTerms = {
    wallet: openWallet(terminal, options.keyEnv),
    limit: readLimit('--max', options.max),
    budget: new Budget(readLimit('--budget', options.budget)),
    table: readAssetTable(),
    unfinished: new UnfinishedPayments(Date.now),
    passes: new BoughtPasses(),
  };
  if (terms.wallet === undefined)
    notice(terminal, `${options.keyEnv} is not set: prices can be asked for, nothing can be paid`);
  const server = createServer(gateways, terms);
  const transport = new StdioServerTransport();
  const closed = new Promise<void>((resolve) => {
    transport.onclose = resolve;
    process.stdin.once('end', resolve);
    terminal.on('SIGINT', resolve);
    terminal.on('SIGTERM', resolve);
  });
  await server.connect(transport);
  await closed;
  await server.close();
  return 0;
}

/** The MCP server, connected to nothing. */
function createServer(gateways: readonly string[], terms: BuyingTerms): McpServer {
  const server = new McpServer({ name: 'turnpike', version: readVersion() });
  const request = {
    url: z.string().describe('URL of the resource, at one of the gateways'),
    method: z.string().optional().describe('HTTP method; default GET, or POST with a body'),
    headers: z.record(z.string(), z.string()).optional().describe('request headers'),
    body: z.string().optional().describe('request body'),
  };
  server.registerTool(
    'search',
    {
      description: `Finds what can be bought at ${gateways.join(', ')}: method, URL, what it is for and what it costs.`,
      inputSchema: { query: z.string().describe('words that have to be in it; empty for everything') },
      annotations: { readOnlyHint: true },
    },
    ({ query }) => answer(() => search(gateways, query)),
  );
  server.registerTool(
    'price',
    {
      description: 'Says what a call costs, without paying. A call that costs nothing is carried out.',
      inputSchema: request,
    },
    (asked) => answer(() => tellPrice(createAskedRequest(asked, gateways), terms.table)),
  );
  server.registerTool(
    'pay',
    {
      description:
        'Makes a call and pays its price, within the limits that the owner of the wallet has set. The answer has the receipt.',
      inputSchema: request,
      annotations: { destructiveHint: true, openWorldHint: true },
    },
    (asked, { signal }) => answer(() => buy(createAskedRequest(asked, gateways), terms, signal)),
  );
  return server;
}

async function search(gateways: readonly string[], query: string): Promise<Told> {
  const all = await Promise.all(gateways.map((gateway) => readCatalogue(gateway, fetch)));
  const found = matching(all.flat(), query);
  if (found.length === 0) return { text: 'nothing was found', isError: false };
  const lines = found.slice(0, MOST_FOUND).map(line);
  const more = found.length > MOST_FOUND ? [`… and ${found.length - MOST_FOUND} more: use more words`] : [];
  return { text: [...lines, ...more].join('\n'), isError: false };
}

function line({ method, url, summary, price }: CatalogueEntry): string {
  return `${method} ${url}  ${price}${summary === '' ? '' : `  ${summary}`}`;
}

async function answer(
  work: () => Promise<Told>,
): Promise<{ content: { type: 'text'; text: string }[]; isError: boolean }> {
  const { text, isError } = await work().catch(
    (fault: unknown): Told => ({ text: printable(faultText(fault)), isError: true }),
  );
  return { content: [{ type: 'text', text }], isError };
}

function readGateway(url: string): string {
  if (/^https?:\/\/[^/?#]*@/i.test(url)) {
    throw new UsageError('a URL holds a user or a password; right is https://api.example.com without them');
  }
  if (/^https?:\/\//i.test(url) && URL.canParse(url)) return new URL(url).origin;
  throw new UsageError(`${JSON.stringify(url)} is not a URL; right is https://api.example.com`);
}

function readLimit(option: string, text: string): SpendingLimit {
  const parsed = parseSpendingLimit(text);
  if (!parsed.ok) throw new UsageError(`${option}: ${parsed.wrong}; right is ${parsed.right}`);
  return parsed.value;
}

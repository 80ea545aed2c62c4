import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Option } from 'commander';
import { type AssetTable, readAssetTable } from '../../config/asset-table.ts';
import { PROTOCOL_SETTINGS, type ProtocolSetting } from '../../domain/protocol-setting.ts';
import { type Cli, collect, example } from '../cli.ts';
import { CommandFailure, type ExitCode, UsageError } from '../exit.ts';
import { faultText } from '../fault-text.ts';
import { BODY_OPTION, readBody } from '../request-body.ts';
import { parseHeader, parseMethod, refuseUserInfo } from '../request-options.ts';
import { watchForStop } from '../stop.ts';
import { notice, printable, type Terminal } from '../terminal.ts';
import { adviceFor, explainLost } from './advice.ts';
import { confirm } from './confirm.ts';
import { describePass } from './pass.ts';
import { describeOffer, priceText } from './payable-offer.ts';
import { describePrice, paymentHeader, readReceipt } from './payment-protocols.ts';
import { readWords } from './problem.ts';
import { purchase } from './purchase.ts';
import type { PurchaseOutcome, PurchaseTerms, Refusal, SignedPayment } from './purchase-terms.ts';
import { describeReceipt } from './receipt.ts';
import { refusalText } from './refusal-text.ts';
import { openSolanaWallet } from './solana-wallet.ts';
import { parseSpendingLimit, type SpendingLimit } from './spending-limit.ts';
import { openWallet } from './wallet.ts';

interface PayOptions {
  readonly request?: string;
  readonly data?: string;
  readonly header?: readonly string[];
  readonly max: string;
  readonly keyEnv: string;
  readonly solanaKeyEnv: string;
  readonly solanaRpc?: string;
  readonly protocol?: ProtocolSetting;
  readonly yes?: boolean;
  readonly register?: boolean;
}

/** Adds `turnpike pay`. */
export function addPay({ program, terminal, finish }: Cli): void {
  program
    .command('pay')
    .description('fetch a URL as a paying client: show the offer, ask, pay, print receipt and response')
    .argument('<url>', 'URL of the resource')
    .option('-X, --request <method>', 'request method; default GET, or POST with a body')
    .option('-d, --data <body>', BODY_OPTION)
    .option('-H, --header <header>', "request header as 'name: value'; may be repeated", collect)
    .option('--max <price>', "the most to pay: '$0.10', '0.10 USDC', or atomic units as '10000 0x…'", '$0.10')
    .option('--key-env <name>', 'environment variable that holds the private key', 'TURNPIKE_PAY_KEY')
    .option('--solana-key-env <name>', 'the same of a key that pays on Solana', 'TURNPIKE_PAY_SOLANA_KEY')
    .option('--solana-rpc <url>', 'node of Solana to ask; default: the public one of the network')
    .addOption(
      new Option('--protocol <name>', 'pay by this protocol; default x402 where the server speaks it').choices(
        PROTOCOL_SETTINGS,
      ),
    )
    .option('--yes', 'pay without asking')
    .option('--register', 'pay only if the call can list the route in catalogues of facilitators')
    .addHelpText(
      'after',
      example("TURNPIKE_PAY_KEY=0x… turnpike pay https://api.example.com/v1/weather/paris --max '$0.01'"),
    )
    .action(async (url: string, options: PayOptions) => finish(await pay(url, options, terminal)));
}

async function pay(url: string, options: PayOptions, terminal: Terminal): Promise<ExitCode> {
  const request = createRequest(url, options, await readBody(options.data, terminal));
  const limit = readLimit(options.max);
  const wallet = openWallet(terminal, options.keyEnv);
  const solana = await openSolanaWallet(terminal, options.solanaKeyEnv, readNode(options.solanaRpc));
  const hasKey = wallet !== undefined || solana !== undefined;
  const table = readAssetTable();
  const agree: PurchaseTerms['agree'] = async (offer, stated) => {
    for (const line of describeOffer(offer, stated, url)) notice(terminal, line);
    if (options.register === true && stated.extensions?.['bazaar'] === undefined) return 'not_for_catalogues';
    if (options.yes === true) return 'agreed';
    if (terminal.stdin.isTTY !== true) return 'nobody_to_ask';
    return (await confirm(terminal, `Pay ${priceText(offer)}?`)) ? 'agreed' : 'declined';
  };
  // A request that brings its payment asks for the outcome of that one.
  const isRepeat = paymentHeader(request.headers) !== undefined;
  const outcome =
    hasKey && !isRepeat
      ? await buy(request, {
          ...{ wallet, others: solana === undefined ? [] : [solana], limit, table, agree, protocol: options.protocol },
          fetch: (sent) => sendWatched(sent, terminal),
        })
      : await fetchPlainly(request);
  switch (outcome.kind) {
    case 'refused':
      throw refusalError(outcome.refusal);
    case 'lost':
      for (const line of explainLost(outcome.signed)) notice(terminal, line);
      throw outcome.fault;
    case 'answered':
      return await show(outcome, { url, table, keyEnv: !hasKey && !isRepeat ? options.keyEnv : undefined }, terminal);
  }
}

/** @throws UsageError for what cannot be sent */
function createRequest(url: string, options: PayOptions, data: Awaited<ReturnType<typeof readBody>>): Request {
  refuseUserInfo(url);
  if (!/^https?:\/\//i.test(url) || !URL.canParse(url)) {
    throw new UsageError(`${JSON.stringify(url)} is not a URL; right is https://api.example.com/path`);
  }
  const method = options.request === undefined ? undefined : parseMethod(options.request);
  if (data !== undefined && (method === 'GET' || method === 'HEAD')) {
    throw new UsageError(`${method} takes no body; right is -X POST, or no -d`);
  }
  const headers = (options.header ?? []).map(parseHeader).map(([name, value]): [string, string] => [name, value]);
  try {
    return new Request(url, {
      method: method ?? (data === undefined ? 'GET' : 'POST'),
      headers,
      ...(data === undefined ? {} : { body: data }),
      // A payment is for the requested resource, not for the target of a redirect.
      redirect: 'manual',
    });
  } catch (fault) {
    throw new UsageError(`the request cannot be made: ${fault instanceof Error ? fault.message : String(fault)}`);
  }
}

/** @throws UsageError for what is no URL */
function readNode(text: string | undefined): string | undefined {
  if (text === undefined || (/^https?:\/\//i.test(text) && URL.canParse(text))) return text;
  throw new UsageError('--solana-rpc is not a URL; right is https://api.mainnet-beta.solana.com');
}

function readLimit(text: string): SpendingLimit {
  const parsed = parseSpendingLimit(text);
  if (!parsed.ok) throw new UsageError(`--max: ${parsed.wrong}; right is ${parsed.right}`);
  return parsed.value;
}

/** The client's objection to an offer may hold the server's text. */
async function buy(request: Request, terms: PurchaseTerms): Promise<PurchaseOutcome> {
  try {
    return await purchase(request, terms);
  } catch (fault) {
    throw fault instanceof CommandFailure ? fault : new CommandFailure(`not paid: ${printable(faultText(fault))}`);
  }
}

async function fetchPlainly(request: Request): Promise<PurchaseOutcome> {
  return { kind: 'answered', response: await send(request), signed: undefined };
}

/** Time between two notices about an answer that has not come, in milliseconds. */
const PATIENCE_MS = 5_000;

/**
 * Sends a request. A paid request may wait for a chain, so notices show that it is still running. A signal ends the
 * wait, and the payment, which may have been taken, is shown.
 */
async function sendWatched(request: Request, terminal: Terminal): Promise<Response> {
  if (paymentHeader(request.headers) === undefined) return await send(request);
  const startedAt = performance.now();
  notice(terminal, 'sent      the payment; waiting for the answer');
  const timer = setInterval(() => {
    notice(terminal, `waiting   ${Math.round((performance.now() - startedAt) / 1000)} s`);
  }, PATIENCE_MS);
  const stop = watchForStop(terminal);
  try {
    return await send(new Request(request, { signal: stop.signal }));
  } catch (fault) {
    throw stop.signal.aborted ? new CommandFailure('stopped before the answer came') : fault;
  } finally {
    clearInterval(timer);
    stop.end();
  }
}

/** @throws CommandFailure when there is no answer */
async function send(request: Request): Promise<Response> {
  try {
    return await fetch(request);
  } catch (fault) {
    throw new CommandFailure(`cannot reach ${new URL(request.url).origin}: ${printable(faultText(fault))}`);
  }
}

function refusalError(refusal: Refusal): Error {
  switch (refusal.kind) {
    case 'declined':
      return new CommandFailure('not paid, as you wished');
    case 'nobody_to_ask':
      return new UsageError('not paid: there is no terminal to ask at; pass --yes to pay without asking');
    case 'unreadable':
    case 'not_offered':
    case 'no_key':
    case 'unknown_token':
    case 'over_limit':
    case 'not_for_catalogues':
      return new CommandFailure(`not paid: ${refusalText(refusal)}`);
  }
}

/** What the answer is shown with. */
interface Showing {
  /** What was asked for. */
  readonly url: string;
  readonly table: AssetTable;
  /** Where a key was looked for and is missing; `undefined` when none is needed. */
  readonly keyEnv: string | undefined;
}

async function show(
  { response, signed }: Extract<PurchaseOutcome, { kind: 'answered' }>,
  { url, table, keyEnv }: Showing,
  terminal: Terminal,
): Promise<ExitCode> {
  const receipt = readReceipt(response.headers);
  if (receipt !== undefined) {
    for (const line of describeReceipt(receipt, signed?.offer, table)) notice(terminal, line);
  }
  const lines = [
    ...describePass(response.headers),
    ...(response.status === 402 && keyEnv !== undefined ? describePrice(response.headers, table, url) : []),
    ...adviceFor(response, {
      signed,
      keyEnv,
      hasReceipt: receipt !== undefined,
      ...(await readWords(response)),
    }),
  ];
  for (const line of lines) notice(terminal, line);
  await writeBody(response, signed, terminal);
  const fine = response.ok || (response.status < 400 && receipt?.success === true);
  if (fine) return 0;
  return response.status === 402 && keyEnv !== undefined ? 2 : 1;
}

/**
 * Streams the body, so that an event stream shows as it comes. What was paid for and broke off can be collected with the
 * same payment.
 */
async function writeBody(response: Response, signed: SignedPayment | undefined, terminal: Terminal): Promise<void> {
  if (response.body === null) return;
  try {
    await pipeline(Readable.fromWeb(response.body), terminal.stdout, { end: false });
  } catch (fault) {
    if (isReaderGone(fault)) return;
    if (signed !== undefined) for (const line of explainLost(signed)) notice(terminal, line);
    throw new CommandFailure(`the answer broke off: ${printable(faultText(fault))}`);
  }
}

/** Whether a write failed because the reader is gone, as in `turnpike pay … | head -1`. */
function isReaderGone(fault: unknown): boolean {
  const code = fault instanceof Error && 'code' in fault ? fault.code : undefined;
  return code === 'EPIPE' || code === 'ERR_STREAM_PREMATURE_CLOSE' || code === 'ERR_STREAM_DESTROYED';
}

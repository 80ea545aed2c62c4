import { networkText, readAssetTable } from '../../config/asset-table.ts';
import { type AccessDescription, passText } from '../../config/describe.ts';
import { type Explanation, explainRequest } from '../../server/explain/explanation.ts';
import { imagine } from '../../server/explain/request-text.ts';
import { type Cli, type CliWorld, collect, example } from '../cli.ts';
import type { ExitCode } from '../exit.ts';
import { type ConfigOptions, DEFAULT_FILE, readPlan } from '../read-plan.ts';
import { BODY_OPTION, readBody } from '../request-body.ts';
import { parseHeader, parseMethod, splitUrl } from '../request-options.ts';
import { print, printJson } from '../terminal.ts';

interface ExplainOptions extends ConfigOptions {
  readonly header?: readonly string[];
  readonly data?: string;
  readonly json?: boolean;
}

/** Adds `turnpike explain`. */
export function addExplain(cli: Cli): void {
  const { program, finish } = cli;
  program
    .command('explain')
    .description('show which route a request would match, what it would cost, where it would go, and why')
    .argument('<method>', 'request method')
    .argument('<url>', 'URL as clients see it, or a path')
    .option('-H, --header <header>', "request header as 'name: value'; may be repeated", collect)
    .option('-d, --data <body>', BODY_OPTION)
    .option('-c, --config <file>', 'configuration file', DEFAULT_FILE)
    .option('--json', 'write it as JSON')
    .addHelpText(
      'after',
      example("turnpike explain GET https://api.example.com/v1/weather/paris -H 'Accept: text/plain'"),
    )
    .action(async (method: string, url: string, options: ExplainOptions) =>
      finish(await explain(method, url, options, cli)),
    );
}

/** Asks the gateway's own stages; no network. That a request would be refused is an explanation, too: exit code 0. */
async function explain(method: string, url: string, options: ExplainOptions, world: CliWorld): Promise<ExitCode> {
  const { terminal, registry } = world;
  const { host, target } = splitUrl(url);
  const headers = (options.header ?? []).map(parseHeader);
  const verb = parseMethod(method);
  const body = await readBody(options.data, terminal);
  const { plan } = await readPlan(options.config, world);
  const explanation = await explainRequest(
    plan,
    registry,
    imagine(plan, { method: verb, host, target, headers, body }),
  );
  if (options.json === true) printJson(terminal, explanation);
  else for (const line of render(explanation)) print(terminal, line);
  return 0;
}

function render(explanation: Explanation): readonly string[] {
  const { request } = explanation;
  const asked = `${request.method} ${request.target} (host ${request.host})`;
  switch (explanation.kind) {
    case 'refused':
      return [`request   ${asked}`, `answer    ${explanation.status} ${explanation.code}: ${explanation.why}`];
    case 'unmatched':
      return [
        `request   ${asked}`,
        'route     none matches',
        ...listed('why', explanation.why),
        `answer    ${explanation.answer}`,
        ...(explanation.destination === undefined ? [] : destination(explanation.destination)),
      ];
    case 'discovery':
      return [`request   ${asked}`, `path      ${explanation.path}`, `answer    ${explanation.answer}`];
    case 'preflight':
      return [`request   ${asked}`, `route     ${explanation.route.name}`, `answer    ${explanation.answer}`];
    case 'matched':
      return [`request   ${asked}`, ...matched(explanation)];
  }
}

function matched(explanation: Extract<Explanation, { kind: 'matched' }>): readonly string[] {
  const { route } = explanation;
  const table = readAssetTable();
  const cost = explanation.fits ?? route;
  const offers = cost.offers.map(
    (offer) =>
      `${offer.price} (${offer.amount} atomic units of ${offer.asset}) on ${networkText(table, offer.network)} ` +
      `to ${offer.payTo}, ${offer.scheme}${offer.v1 ? ', also for x402 v1' : ''}`,
  );
  return [
    `path      ${explanation.path}`,
    `route     ${route.name}`,
    ...listed('why', explanation.why),
    ...(explanation.fits === undefined ? [] : [`fits      ${explanation.fits.when} (${explanation.fits.id})`]),
    `price     ${explanation.fits?.price ?? route.price}`,
    ...listed('offers', offers),
    ...(cost.settle === undefined ? [] : [`settle    ${cost.settle}`]),
    ...(cost.access === undefined ? [] : [`sells     ${soldText(cost.access)}`]),
    `answer    ${explanation.answer}`,
    ...destination(explanation.destination),
  ];
}

function soldText(access: AccessDescription): string {
  if (access.balance === undefined) return `a pass for ${passText(access)}, whose token needs no payment`;
  return `${passText(access)}, of which each call draws what it used`;
}

function destination(to: NonNullable<Destination>): readonly string[] {
  const { url, alternatives, timeoutMs, headersAdded, headersRemoved } = to;
  return [
    `upstream  ${url} (waits ${timeoutMs / 1000} s for its answer)`,
    ...listed('or', alternatives),
    ...listed('adds', headersAdded),
    ...listed('removes', headersRemoved),
  ];
}

type Destination = Extract<Explanation, { kind: 'unmatched' }>['destination'];

function listed(title: string, lines: readonly string[]): readonly string[] {
  return lines.map((line, index) => `${(index === 0 ? title : '').padEnd(10)}${line}`);
}

import { type DestinationStream, type Logger, pino } from 'pino';
import { formatAmount } from '../domain/amount.ts';
import { isLogged, type LogRules } from '../domain/log-rules.ts';
import { describeCause } from './cause.ts';
import { LineQueue } from './line-queue.ts';
import type { Observer, RequestSummary, ShadowFacts } from './observer.ts';

export type { Logger } from 'pino';

/**
 * Longest path that is logged, in characters. Docker and containerd cut lines of 16 KiB and more in two, neither of
 * which is JSON: a client could hide its requests from whatever reads the log.
 */
const MOST_PATH_CHARS = 4096;

/** Opens the log: JSON lines, or readable lines on a terminal. Only a terminal loads `pino-pretty`. */
export async function openLog(out: NodeJS.WritableStream & { isTTY?: boolean }): Promise<Logger> {
  const target = out.isTTY === true ? await openPretty(out) : new LineQueue(out, gapLine);
  return pino({ level: 'info', base: null, timestamp: pino.stdTimeFunctions.isoTime }, target);
}

async function openPretty(out: NodeJS.WritableStream): Promise<DestinationStream> {
  const { default: pretty } = await import('pino-pretty');
  return pretty({ destination: out, sync: true });
}

/** The line that stands where lines were dropped. */
function gapLine(dropped: number): string {
  return `{"level":${pino.levels.values['warn']},"time":"${timeOfDay()}","dropped":${dropped},"msg":"log lines dropped"}\n`;
}

/** Lines dropped since the log was opened, because nothing read the output in time. */
export function droppedLines(log: Logger): number {
  const out = destinationOf(log);
  return out instanceof LineQueue ? out.dropped : 0;
}

/**
 * Writes one line for each request. Fields are picked one by one: a header or a token cannot slip in.
 *
 * The line is the one that pino would write, but it is built here and written to pino's destination: pino needs three
 * times as long, and every request has a line.
 */
export function createRequestLog(
  log: Logger,
  rules: () => LogRules,
  random: () => number = Math.random,
): Pick<Observer, 'requestFinished'> {
  const out = destinationOf(log);
  const { info, error } = log.levels.values;
  const bindings = membersOf(log.bindings());
  return {
    requestFinished(summary: RequestSummary) {
      const { status, durationMs, upstreamMs, shadow, cause } = summary;
      const isFault = status >= 500;
      if (!log.isLevelEnabled(isFault ? 'error' : 'info') || !isLogged(rules(), status, random)) return;
      out.write(
        `{"level":${isFault ? error : info},"time":"${timeOfDay()}"${bindings}` +
          word('requestId', summary.requestId) +
          word('traceId', summary.traceId) +
          word('method', summary.method) +
          text('path', shortened(summary.path)) +
          text('route', summary.route?.name) +
          word('outcome', summary.outcome) +
          word('code', summary.code) +
          text('reason', summary.reason) +
          `,"status":${status}` +
          text('client', summary.client) +
          text('protocol', summary.protocol) +
          text('payer', summary.payer) +
          text('transaction', summary.transaction) +
          text('pass', summary.pass) +
          word('catalogued', summary.catalogued?.status) +
          text('cataloguedReason', summary.catalogued?.reason) +
          (shadow === undefined ? '' : shadowText(shadow)) +
          `,"durationMs":${hundredths(durationMs)}` +
          (upstreamMs === undefined ? '' : `,"upstreamMs":${hundredths(upstreamMs)}`) +
          (cause === undefined ? '' : text('cause', describeCause(cause))) +
          ',"msg":"request"}\n',
      );
    },
  };
}

/** Where a logger and its children write to. */
function destinationOf(log: Logger): DestinationStream {
  const out: unknown = Reflect.get(log, pino.symbols.streamSym);
  if (!isDestination(out)) throw new Error('a logger without a destination');
  return out;
}

function isDestination(value: unknown): value is DestinationStream {
  return typeof value === 'object' && value !== null && 'write' in value && typeof value.write === 'function';
}

/** The time in ISO 8601, written once for all lines of a millisecond. */
function createTimeOfDay(): () => string {
  let at = 0;
  let text = '';
  return () => {
    const now = Date.now();
    if (now !== at) {
      at = now;
      text = new Date(now).toISOString();
    }
    return text;
  };
}

const timeOfDay = createTimeOfDay();

/** A member of a JSON object with the comma before it; nothing where there is no value. */
function text(name: string, value: string | undefined): string {
  return value === undefined ? '' : `,"${name}":${JSON.stringify(value)}`;
}

function shortened(path: string | undefined): string | undefined {
  return path === undefined || path.length <= MOST_PATH_CHARS ? path : `${path.slice(0, MOST_PATH_CHARS)}…`;
}

/** The same for ids and words of closed lists, which hold nothing that JSON would escape. */
function word(name: string, value: string | undefined): string {
  return value === undefined ? '' : `,"${name}":"${value}"`;
}

/** Amounts are written as text: JSON has no bigints. */
function shadowText({ decision, wouldCharge }: ShadowFacts): string {
  const charge = wouldCharge && { ...wouldCharge, amount: formatAmount(wouldCharge.amount) };
  return membersOf({ decision, wouldCharge: charge });
}

/** The members of an object as JSON, each with the comma before it. */
function membersOf(object: object): string {
  const members = JSON.stringify(object).slice(1, -1);
  return members === '' ? '' : `,${members}`;
}

function hundredths(ms: number): number {
  return Math.round(ms * 100) / 100;
}

import { type DestinationStream, type Logger, pino } from 'pino';
import { formatAmount } from '../domain/amount.ts';
import { describeCause } from './cause.ts';
import type { Observer, RequestSummary, ShadowFacts } from './observer.ts';

export type { Logger } from 'pino';

/** Opens the log: JSON lines, or readable ones on a terminal, which is when what makes them so is loaded. */
export async function openLog(out: NodeJS.WritableStream & { isTTY?: boolean }): Promise<Logger> {
  const target = out.isTTY === true ? await openPretty(out) : linesTogether(out);
  return pino({ level: 'info', base: null, timestamp: pino.stdTimeFunctions.isoTime }, target);
}

async function openPretty(out: NodeJS.WritableStream): Promise<DestinationStream> {
  const { default: pretty } = await import('pino-pretty');
  return pretty({ destination: out, sync: true });
}

/**
 * Hands the lines of one turn of the event loop on in one write: under load most of the cost of a line is its system
 * call. A line waits for nothing but the requests that end together with it.
 */
function linesTogether(out: NodeJS.WritableStream): DestinationStream {
  let lines = '';
  const flush = (): void => {
    const together = lines;
    lines = '';
    out.write(together);
  };
  return {
    write(line) {
      if (lines === '') setImmediate(flush);
      lines += line;
    },
  };
}

/**
 * Writes one line for each request. Fields are picked one by one: a header or a token cannot slip in.
 *
 * The line is what pino would write, made in one go and handed to pino's own destination: every request pays for it, and
 * a line costs pino three times as much.
 */
export function createRequestLog(log: Logger): Pick<Observer, 'requestFinished'> {
  const out = destinationOf(log);
  const { info, error } = log.levels.values;
  const bindings = log.bindings();
  return {
    requestFinished(summary: RequestSummary) {
      const { requestId, traceId, method, path, route, outcome, code, reason, status, payer, transaction } = summary;
      const { pass, shadow, durationMs, upstreamMs } = summary;
      const isFault = status >= 500;
      if (!log.isLevelEnabled(isFault ? 'error' : 'info')) return;
      // What is undefined is left out of the line.
      const line = {
        level: isFault ? error : info,
        time: timeOfDay(),
        ...bindings,
        requestId,
        traceId,
        method,
        path,
        route: route?.name,
        outcome,
        code,
        reason,
        status,
        payer,
        transaction,
        pass,
        decision: shadow?.decision,
        wouldCharge: shadow && chargeOf(shadow),
        durationMs: round(durationMs),
        upstreamMs: round(upstreamMs),
        cause: describeCause(summary.cause),
        msg: 'request',
      };
      out.write(`${JSON.stringify(line)}\n`);
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

/** With its amount as the text of a JSON line, which has no bigints. */
function chargeOf({ wouldCharge }: ShadowFacts): Readonly<Record<string, string>> | undefined {
  return wouldCharge && { ...wouldCharge, amount: formatAmount(wouldCharge.amount) };
}

function round(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : Math.round(ms * 100) / 100;
}

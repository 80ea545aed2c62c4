import { pino } from 'pino';
import { expect, it } from 'vitest';
import type { Amount } from '../../../src/domain/amount.ts';
import type { LogRules } from '../../../src/domain/log-rules.ts';
import type { Network } from '../../../src/domain/network.ts';
import { createRequestLog } from '../../../src/observe/log.ts';
import type { RequestSummary } from '../../../src/observe/observer.ts';

const NOTHING: RequestSummary = {
  requestId: 'ab12',
  traceId: undefined,
  method: 'GET',
  path: undefined,
  route: undefined,
  outcome: 'refused',
  code: undefined,
  reason: undefined,
  status: 404,
  client: undefined,
  protocol: undefined,
  payer: undefined,
  transaction: undefined,
  shadow: undefined,
  pass: undefined,
  catalogued: undefined,
  durationMs: 0.126,
  upstreamMs: undefined,
  headMs: undefined,
  cause: undefined,
};

const EVERYTHING: RequestSummary = {
  ...NOTHING,
  catalogued: { status: 'rejected', reason: 'the "schema"\nis wrong' },
  traceId: '0af7651916cd43dd8448eb211c80319c',
  path: '/a"b\\c/é\u2028/%C3%A9',
  outcome: 'paid',
  code: 'upstream_unreachable',
  reason: 'line\nbreak "quoted"',
  status: 502,
  client: '2001:db8::1',
  protocol: 'x402 v2',
  payer: '0x857b06519e91e3a54538791bdbb0e22373e36b66',
  transaction: `0x${'ab'.repeat(32)}`,
  shadow: {
    decision: 'paid',
    wouldCharge: { network: 'eip155:8453' as Network, asset: '0x01', amount: 12n as Amount, settle: 'after' },
  },
  pass: 'p1',
  upstreamMs: 1.005,
  cause: Object.assign(new Error('ended "here"'), { code: 'ECONNRESET' }),
};

const ALL: LogRules = { level: 'info', sample: 1, skip: [], clientAddress: true };

/** What a logger writes for a request, line by line. */
function written(
  summary: RequestSummary,
  level = 'info',
  bindings: Record<string, unknown> = {},
  { rules = ALL, chance = 0.5 }: { rules?: LogRules; chance?: number } = {},
): string[] {
  const lines: string[] = [];
  const root = pino(
    { level, base: null, timestamp: pino.stdTimeFunctions.isoTime },
    { write: (line) => lines.push(line) },
  );
  const logger = Object.keys(bindings).length === 0 ? root : root.child(bindings);
  logger.error({}, 'of pino');
  createRequestLog(
    logger,
    () => rules,
    () => chance,
  ).requestFinished(summary);
  return lines;
}

it('writes one JSON line with what is known, and nothing else', () => {
  const [, line = ''] = written(NOTHING);
  expect(line.endsWith('}\n')).toBe(true);
  const { time, ...facts } = JSON.parse(line);
  expect(new Date(time).toISOString()).toBe(time);
  expect(facts).toEqual({
    level: 30,
    requestId: 'ab12',
    method: 'GET',
    outcome: 'refused',
    status: 404,
    durationMs: 0.13,
    msg: 'request',
  });
});

it('keeps to one line of JSON whatever the texts hold', () => {
  const [, line = ''] = written(EVERYTHING);
  expect(line.indexOf('\n')).toBe(line.length - 1);
  expect(JSON.parse(line)).toMatchObject({
    level: 50,
    traceId: EVERYTHING.traceId,
    path: EVERYTHING.path,
    reason: EVERYTHING.reason,
    client: '2001:db8::1',
    protocol: 'x402 v2',
    payer: EVERYTHING.payer,
    transaction: EVERYTHING.transaction,
    decision: 'paid',
    wouldCharge: { network: 'eip155:8453', asset: '0x01', amount: '12' },
    pass: 'p1',
    upstreamMs: 1,
    cause: 'ended "here" (ECONNRESET)',
  });
});

it('begins its lines like the logger, with the fields of a child logger', () => {
  const [own = '', line = ''] = written(NOTHING, 'info', { worker: 2, name: 'a "b"' });
  const beginning = (text: string): string => text.replace(/"level":\d+,"time":"[^"]+"/, '').slice(0, 30);
  expect(beginning(line)).toBe(beginning(own));
  expect(JSON.parse(line)).toMatchObject({ worker: 2, name: 'a "b"' });
});

it('is silent where the logger is', () => {
  expect(written(EVERYTHING, 'silent')).toEqual([]);
  expect(written(NOTHING, 'error')).toHaveLength(1);
  expect(written(EVERYTHING, 'error')).toHaveLength(2);
});

it('leaves out the statuses that are to be skipped, and of the others all but the share that is asked for', () => {
  const isWritten = (status: number, rules: Partial<LogRules>, chance: number): boolean =>
    written({ ...NOTHING, status }, 'info', {}, { rules: { ...ALL, ...rules }, chance }).length === 2;
  const skip = [
    { from: 402, to: 402 },
    { from: 300, to: 399 },
  ];
  const skipped = [402, 304, 399, 403, 200, 503].filter((status) => !isWritten(status, { skip }, 0));
  expect(skipped).toEqual([402, 304, 399]);
  expect([0.09, 0.1, 0.9].map((chance) => isWritten(200, { sample: 0.1 }, chance))).toEqual([true, false, false]);
  expect(isWritten(200, { sample: 0 }, 0)).toBe(false);
  expect(isWritten(502, { sample: 0 }, 0.9)).toBe(true);
});

it('keeps a line below what container runtimes cut in two, however long the path and whatever is in it', () => {
  const [, line = ''] = written({ ...EVERYTHING, path: `/${'"'.repeat(30_000)}` });
  expect(Buffer.byteLength(line)).toBeLessThan(16 * 1024);
  const { path } = JSON.parse(line);
  expect([path.length, path.at(-1)]).toEqual([4097, '…']);
  const whole = `/${'x'.repeat(4095)}`;
  expect(JSON.parse(written({ ...NOTHING, path: whole })[1] ?? '')).toHaveProperty('path', whole);
});

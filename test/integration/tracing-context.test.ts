import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RequestSummary } from '../../src/observe/observer.ts';
import { openOtlpTracer } from '../../src/observe/tracing/otlp-tracer.ts';
import { SpanClock } from '../../src/observe/tracing/span-clock.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { type OtlpReceiver, startOtlpReceiver } from '../support/otlp-receiver.ts';
import { refusingUrl } from '../support/scripted-facilitator.ts';
import { startUpstream, type TestUpstream } from '../support/upstream.ts';

const ID = '4bf92f3577b34da6a3ce929d0e0e4736';
const PARENT = '00f067aa0ba902b7';
const SAMPLED = { traceparent: `00-${ID}-${PARENT}-01`, tracestate: 'dd=s:2,other=1' };
const UNSAMPLED = { ...SAMPLED, traceparent: `00-${ID}-${PARENT}-00` };

const SUMMARY: RequestSummary = {
  requestId: 'r1',
  traceId: undefined,
  method: 'GET',
  path: '/a',
  route: undefined,
  outcome: 'free',
  code: undefined,
  reason: undefined,
  status: 200,
  client: undefined,
  protocol: undefined,
  payer: undefined,
  transaction: undefined,
  catalogued: undefined,
  durationMs: 1,
  upstreamMs: undefined,
  headMs: 1,
  cause: undefined,
  shadow: undefined,
  pass: undefined,
};

let upstream: TestUpstream;

beforeAll(async () => {
  upstream = await startUpstream();
});

afterAll(() => upstream.close());

/** Runs with a gateway that forwards everything, then closes it, which sends what is left. */
async function withGateway(lines: string, act: (gateway: TestGateway) => Promise<void>): Promise<TestGateway> {
  const free = 'routes: [{ path: /*, price: free, name: all }]';
  const gateway = await startTestGateway(`upstream: ${upstream.url}\nstore: memory\n${lines}\n${free}\n`);
  try {
    await act(gateway);
  } finally {
    await gateway.close();
  }
  return gateway;
}

async function get(gateway: TestGateway, headers: Record<string, string> = {}): Promise<Record<string, string>> {
  await (await fetch(gateway.url, { headers })).arrayBuffer();
  const { rawHeaders } = upstream.seen.at(-1) ?? { rawHeaders: [] };
  const pairs = rawHeaders.flatMap((name, index) => (index % 2 === 0 ? [[name, rawHeaders[index + 1] ?? '']] : []));
  return Object.fromEntries(pairs);
}

function tracing({ url }: Pick<OtlpReceiver, 'url'>, sample = '100%'): string {
  return `tracing: { endpoint: "${url}", sample: ${sample} }`;
}

describe('the trace that a request brings', () => {
  it('is continued from a trusted proxy, with its decision and its tracestate', async () => {
    const receiver = await startOtlpReceiver();
    await withGateway(`trustedProxies: [127.0.0.1]\n${tracing(receiver, '0%')}`, async (gateway) => {
      const seen = await get(gateway, SAMPLED);
      expect(seen['traceparent']).toMatch(new RegExp(`^00-${ID}-(?!${PARENT})[0-9a-f]{16}-01$`));
      expect(seen['tracestate']).toBe(SAMPLED.tracestate);
    });
    expect(receiver.spans.map(({ traceId }) => traceId)).toEqual([ID, ID, ID, ID]);
    await receiver.close();
  });

  it('is not recorded where a trusted proxy does not record it', async () => {
    const receiver = await startOtlpReceiver();
    await withGateway(`trustedProxies: [127.0.0.1]\n${tracing(receiver)}`, async (gateway) => {
      const seen = await get(gateway, UNSAMPLED);
      expect(seen['traceparent']).toMatch(new RegExp(`^00-${ID}-(?!${PARENT})[0-9a-f]{16}-00$`));
      expect(seen['tracestate']).toBe(SAMPLED.tracestate);
    });
    expect(receiver.spans).toEqual([]);
    await receiver.close();
  });

  it('is continued from an untrusted client, without its sampling decision and its tracestate', async () => {
    const receiver = await startOtlpReceiver();
    await withGateway(tracing(receiver, '0%'), async (gateway) => {
      const seen = await get(gateway, SAMPLED);
      expect(seen['traceparent']).toMatch(new RegExp(`^00-${ID}-(?!${PARENT})[0-9a-f]{16}-00$`));
      expect(seen).not.toHaveProperty('tracestate');
    });
    expect(receiver.spans).toEqual([]);
    await withGateway(tracing(receiver), async (gateway) => {
      expect((await get(gateway, UNSAMPLED))['traceparent']).toMatch(/-01$/);
    });
    expect(receiver.spans).toHaveLength(4);
    await receiver.close();
  });

  it.each([
    ['none', {}],
    ['nonsense', { traceparent: 'nonsense' }],
    ['zeros', { traceparent: `00-${'0'.repeat(32)}-${PARENT}-01` }],
    ['an extended version 00', { traceparent: `${SAMPLED.traceparent}-more` }],
  ])('is a new one for %s', async (_what, headers) => {
    const receiver = await startOtlpReceiver();
    await withGateway(tracing(receiver), async (gateway) => {
      expect((await get(gateway, headers))['traceparent']).toMatch(/^00-(?!0{32})[0-9a-f]{32}-[0-9a-f]{16}-01$/);
    });
    const root = receiver.spans.find(({ kind }) => kind === 'server');
    expect(root?.parentSpanId).toBe('');
    await receiver.close();
  });
});

describe('a receiver of traces', () => {
  it('that is away is logged once a minute, with the number of lost spans', async () => {
    const receiver = await startOtlpReceiver((res) => void res.writeHead(503).end());
    const complaints: unknown[] = [];
    const times = [0, 59_999, 60_000];
    const spec = { url: `${receiver.url}/v1/traces`, headers: [], sample: 1, serviceName: 'turnpike' };
    const tracer = openOtlpTracer(spec, {
      instance: 'i',
      log: { warn: (facts: unknown) => void complaints.push(facts) },
      clock: () => times.shift() ?? Number.NaN,
      spanClock: new SpanClock({ wall: Date.now, monotonic: () => performance.now() }),
      random: () => 0,
    });
    for (const _batch of [1, 2, 3]) {
      tracer.begin({}, false).end(SUMMARY);
      await receiver.next();
    }
    await tracer.close(10_000);
    const cause = 'the receiver of traces answered 503';
    expect(complaints).toEqual([
      { spans: 1, cause },
      { spans: 2, cause },
    ]);
    await receiver.close();
  });

  it('that is away costs no request', async () => {
    const away = `tracing: { endpoint: "${await refusingUrl()}" }`;
    const gateway = await withGateway(away, async (running) => {
      expect(await get(running)).toHaveProperty('traceparent');
    });
    expect(gateway.log).toContainEqual(
      expect.objectContaining({ msg: 'traces could not be sent', cause: expect.stringContaining('ECONNREFUSED') }),
    );
  });

  it('that never answers does not keep a gateway from closing in time', async () => {
    const receiver = await startOtlpReceiver(() => {});
    const gateway = await withGateway(`drainTimeout: 200ms\n${tracing(receiver)}`, async (running) => {
      await get(running);
    });
    expect(receiver.exports).toHaveLength(1);
    expect(gateway.log.filter(({ msg }) => msg === 'traces could not be sent')).toHaveLength(1);
    await receiver.close();
  });

  it('that refuses is complained about with its status, and its redirects are not followed', async () => {
    const receiver = await startOtlpReceiver((res) => {
      res.writeHead(307, { Location: upstream.url }).end();
    });
    const before = upstream.seen.length;
    const gateway = await withGateway(tracing(receiver), async (running) => {
      await get(running);
    });
    expect(upstream.seen.length - before).toBe(1);
    expect(gateway.log).toContainEqual(expect.objectContaining({ cause: 'the receiver of traces answered 307' }));
    await receiver.close();
  });
});

describe('without tracing', () => {
  it('the upstream sees the trace headers of the client as they are', async () => {
    await withGateway('', async (gateway) => {
      expect(await get(gateway, SAMPLED)).toMatchObject(SAMPLED);
    });
  });

  it('nothing of the OpenTelemetry SDK is loaded', { timeout: 30_000 }, async () => {
    const script = fileURLToPath(new URL('../support/loaded-modules.ts', import.meta.url));
    const loaded = async (lines: string): Promise<readonly string[]> => {
      const { stdout } = await promisify(execFile)(process.execPath, [script, upstream.url, lines]);
      return JSON.parse(stdout);
    };
    // prom-client loads the interfaces, which do nothing by themselves.
    expect(await loaded('')).toEqual(['@opentelemetry/api']);
    expect(await loaded(`tracing: { endpoint: "${await refusingUrl()}" }`)).toContain('@opentelemetry/sdk-trace');
  });
});

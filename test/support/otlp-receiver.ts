import { EventEmitter, once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A span as it was received, decoded. */
export interface ReceivedSpan {
  readonly traceId: string;
  readonly spanId: string;
  /** Empty for a root. */
  readonly parentSpanId: string;
  readonly name: string;
  readonly kind: 'internal' | 'server' | 'client';
  readonly failed: boolean;
  readonly attributes: Readonly<Record<string, string | number>>;
  /** Of the process that sent it. */
  readonly resource: Readonly<Record<string, string | number>>;
  /** Nanoseconds since 1970. */
  readonly startedAt: bigint;
  readonly endedAt: bigint;
}

/** A receiver of OTLP over HTTP, in JSON. */
export interface OtlpReceiver {
  /** The base URL, as it stands in the configuration. */
  readonly url: string;
  readonly spans: readonly ReceivedSpan[];
  /** The heads and bodies of all exports. */
  readonly exports: readonly { readonly path: string; readonly headers: IncomingHttpHeaders; readonly body: string }[];
  /** The spans of a trace, once its server span is there: it is the last to be ended. */
  trace(id: string): Promise<readonly ReceivedSpan[]>;
  /** Resolves at the next export. */
  next(): Promise<void>;
  close(): Promise<void>;
}

const KINDS: Readonly<Record<number, ReceivedSpan['kind']>> = { 1: 'internal', 2: 'server', 3: 'client' };
const FAILED = 2;

interface WireAttribute {
  readonly key: string;
  readonly value: { readonly stringValue?: string; readonly intValue?: number };
}

interface WireSpan extends Pick<ReceivedSpan, 'traceId' | 'spanId' | 'name'> {
  readonly parentSpanId?: string;
  readonly kind: number;
  readonly status: { readonly code: number };
  readonly attributes: readonly WireAttribute[];
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
}

interface WireExport {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly WireAttribute[] };
    readonly scopeSpans: readonly { readonly spans: readonly WireSpan[] }[];
  }[];
}

/** Starts a receiver on a free loopback port. `answer` replaces its 200. */
export async function startOtlpReceiver(
  answer: (res: ServerResponse) => void = (res) => void res.end('{}'),
): Promise<OtlpReceiver> {
  const spans: ReceivedSpan[] = [];
  const exports: OtlpReceiver['exports'][number][] = [];
  const arrivals = new EventEmitter();
  const server = createServer(async (req, res) => {
    const body = await textOf(req);
    exports.push({ path: req.url ?? '', headers: req.headers, body });
    spans.push(...decode(JSON.parse(body)));
    answer(res);
    arrivals.emit('export');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    spans,
    exports,
    async trace(id) {
      const found = (): readonly ReceivedSpan[] => spans.filter(({ traceId }) => traceId === id);
      while (!found().some(({ kind }) => kind === 'server')) await once(arrivals, 'export');
      return found();
    },
    async next() {
      await once(arrivals, 'export');
    },
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

async function textOf(req: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of req) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}

function decode({ resourceSpans }: WireExport): readonly ReceivedSpan[] {
  return resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans
      .flatMap(({ spans }) => spans)
      .map(
        (span): ReceivedSpan => ({
          traceId: span.traceId,
          spanId: span.spanId,
          parentSpanId: span.parentSpanId ?? '',
          name: span.name,
          kind: KINDS[span.kind] ?? 'internal',
          failed: span.status.code === FAILED,
          attributes: valuesOf(span.attributes),
          resource: valuesOf(resource.attributes),
          startedAt: BigInt(span.startTimeUnixNano),
          endedAt: BigInt(span.endTimeUnixNano),
        }),
      ),
  );
}

function valuesOf(attributes: readonly WireAttribute[]): Readonly<Record<string, string | number>> {
  return Object.fromEntries(
    attributes.map(({ key, value }) => [key, value.stringValue ?? Number(value.intValue)] as const),
  );
}

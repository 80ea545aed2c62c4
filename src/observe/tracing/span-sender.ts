import { type ExportResult, ExportResultCode } from '@opentelemetry/core';
import { JsonTraceSerializer } from '@opentelemetry/otlp-transformer';
import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace';
import { Pool, request } from 'undici';
import type { TracingSpec } from '../../domain/plan.ts';

/** How long the receiver may take for one batch, in milliseconds. */
export const SEND_MS = 10_000;

/**
 * Posts batches of spans as OTLP/HTTP in JSON. A batch that fails is lost: there is no retry, so that the queue stays
 * bounded.
 */
export class SpanSender implements SpanExporter {
  readonly #spec: TracingSpec;
  readonly #lost: (spans: number, fault: unknown) => void;
  readonly #pool: Pool;
  readonly #stop = new AbortController();
  readonly #sending = new Set<Promise<void>>();

  /** @param lost is called with the number of spans that were lost */
  constructor(spec: TracingSpec, lost: (spans: number, fault: unknown) => void) {
    this.#spec = spec;
    this.#lost = lost;
    this.#pool = new Pool(new URL(spec.url).origin, { connections: 2 });
  }

  /** Never throws: the result goes to `done`. */
  export(spans: ReadableSpan[], done: (result: ExportResult) => void): void {
    const sending = this.#send(spans)
      .then(() => done({ code: ExportResultCode.SUCCESS }))
      .catch((fault: unknown) => {
        this.#lost(spans.length, fault);
        done({ code: ExportResultCode.FAILED });
      })
      .finally(() => this.#sending.delete(sending));
    this.#sending.add(sending);
  }

  /** Aborts the batches on their way. */
  abort(): void {
    this.#stop.abort(new Error('stopped'));
  }

  /** Waits for the batches on their way. */
  async shutdown(): Promise<void> {
    await Promise.all(this.#sending);
    await this.#pool.destroy();
  }

  async #send(spans: ReadableSpan[]): Promise<void> {
    const { url, headers } = this.#spec;
    const { statusCode, body } = await request(url, {
      dispatcher: this.#pool,
      method: 'POST',
      headers: { ...Object.fromEntries(headers), 'content-type': 'application/json' },
      body: JsonTraceSerializer.serializeRequest(spans) ?? null,
      signal: AbortSignal.any([this.#stop.signal, AbortSignal.timeout(SEND_MS)]),
    });
    await body.dump();
    if (statusCode < 200 || statusCode > 299) throw new RangeError(`the receiver of traces answered ${statusCode}`);
  }
}

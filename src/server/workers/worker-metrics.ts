import {
  addUpSnapshots,
  type Exposition,
  type Metrics,
  type MetricsSnapshot,
  renderTogether,
  sumOfEnded,
} from '../../observe/metrics.ts';
import type { LineToWorker } from './worker-line.ts';

/** How long a worker may take to send its metrics, in milliseconds; after it, those that it sent last are shown. */
const MEASURE_MS = 2000;

/** The metrics of all processes, added up. The sums keep the last known counts of workers that have ended. */
export class WorkerMetrics {
  readonly #own: Metrics;
  readonly #latest = new Map<LineToWorker, MetricsSnapshot>();
  readonly #answers = new Map<number, (snapshot: MetricsSnapshot) => void>();
  #ended: Promise<MetricsSnapshot> = Promise.resolve([]);
  #lastRequest = 0;

  /** @param own the primary's own */
  constructor(own: Metrics) {
    this.#own = own;
  }

  /** Begins to ask a worker, once it serves. */
  add(line: LineToWorker): void {
    this.#latest.set(line, []);
    line.receive((message) => {
      if (message.kind !== 'measured') return;
      if (this.#latest.has(line)) this.#latest.set(line, message.snapshot);
      this.#answers.get(message.request)?.(message.snapshot);
    });
    line.gone.addEventListener('abort', () => {
      const latest = this.#latest.get(line) ?? [];
      this.#latest.delete(line);
      this.#ended = this.#ended.then((sum) => sumOfEnded([sum, latest]));
    });
  }

  async render(): Promise<Exposition> {
    return await renderTogether(await this.#snapshots());
  }

  /** The values of this moment, added up. */
  async snapshot(): Promise<MetricsSnapshot> {
    return await addUpSnapshots(await this.#snapshots());
  }

  async #snapshots(): Promise<readonly MetricsSnapshot[]> {
    await Promise.all([...this.#latest.keys()].map((line) => this.#measure(line)));
    const [own, ended] = [await this.#own.snapshot(), await this.#ended];
    return [own, ended, ...this.#latest.values()];
  }

  async #measure(line: LineToWorker): Promise<void> {
    this.#lastRequest += 1;
    const request = this.#lastRequest;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, MEASURE_MS);
    const lost = (): void => resolve();
    line.gone.addEventListener('abort', lost, { once: true });
    this.#answers.set(request, () => resolve());
    line.send({ kind: 'measure', request });
    await promise;
    clearTimeout(timer);
    line.gone.removeEventListener('abort', lost);
    this.#answers.delete(request);
  }
}

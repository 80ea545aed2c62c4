import { AggregatorRegistry, Counter, Histogram, Registry } from 'prom-client';
import { expect, it } from 'vitest';
import { SeriesCounter } from '../../../src/observe/series-counter.ts';
import { SeriesHistogram } from '../../../src/observe/series-histogram.ts';

const BOUNDS = [0.001, 0.01, 0.1];
/** Milliseconds below, on, between and above the bounds. */
const DURATIONS = [0, 0.5, 1, 1.5, 10, 10.5, 99, 100, 100.5, 5000];

function filled() {
  const ours = new Registry();
  const theirs = new Registry();
  const histogram = new SeriesHistogram(ours, {
    name: 'duration_seconds',
    help: 'How long.',
    labelNames: ['route', 'kind'],
    bounds: BOUNDS,
  });
  const reference = new Histogram({
    name: 'duration_seconds',
    help: 'How long.',
    labelNames: ['route', 'kind'],
    buckets: BOUNDS,
    registers: [theirs],
  });
  for (const route of ['weather', 'a "quoted" one', 'back\\slash\nand line']) {
    for (const ms of DURATIONS) {
      histogram.of({ route, kind: 'a' }).observe(ms);
      reference.labels({ route, kind: 'a' }).observe(ms / 1000);
    }
  }
  return { ours, theirs, histogram };
}

/** Samples in a fixed order: the order of labels means nothing. */
function lines(text: string): string[] {
  return text
    .split('\n')
    .map((line) => line.replace(/\{(.*)\}/, (_, labels: string) => `{${labels.split(/,(?=\w+=")/).sort()}}`));
}

it('is exposed as the histogram of the library with the same observations', async () => {
  const { ours, theirs, histogram } = filled();
  expect(lines(await ours.metrics())).toEqual(lines(await theirs.metrics()));
  expect(lines(`${await histogram.text()}\n`)).toEqual(lines(await theirs.metrics()));
});

it('is written without labels where it has none', async () => {
  const registry = new Registry();
  const terms = { name: 'duration_seconds', help: 'How long.', labelNames: [], bounds: BOUNDS };
  const histogram = new SeriesHistogram(registry, terms);
  histogram.of({}).observe(5);
  expect(`${await histogram.text()}\n`).toBe(await registry.metrics());
});

it.for(['text', 'get'] as const)('lets others work while thousands of series are read: %s', async (read) => {
  const terms = { name: 'duration_seconds', help: 'How long.', labelNames: ['route'] as const, bounds: BOUNDS };
  const histogram = new SeriesHistogram(new Registry(), terms);
  for (let route = 0; route < 2000; route++) histogram.of({ route: `/r${route}` }).observe(1);
  let turns = 0;
  const count = (): void => {
    turns += 1;
    next = setImmediate(count);
  };
  let next = setImmediate(count);
  await histogram[read]();
  clearImmediate(next);
  expect(turns).toBeGreaterThan(15);
});

it('adds up over processes as the histogram of the library does', async () => {
  const { ours, theirs } = filled();
  const together = async (registry: Registry): Promise<string> => {
    const snapshot = await registry.getMetricsAsJSON();
    return await AggregatorRegistry.aggregate([snapshot, snapshot]).metrics();
  };
  expect(lines(await together(ours))).toEqual(lines(await together(theirs)));
});

it('counts as the counter of the library does, each time that it is read', async () => {
  const ours = new Registry();
  const theirs = new Registry();
  const terms = { name: 'things_total', help: 'How many.', labelNames: ['route', 'kind'] as const };
  const counter = new SeriesCounter(ours, terms);
  const reference = new Counter({ ...terms, registers: [theirs] });
  for (let scrape = 0; scrape < 3; scrape += 1) {
    for (const [route, kind, amount] of [
      ['weather', 'a', 1],
      ['a "quoted" one', 'a', 2.5],
      ['weather', 'b', 1e21],
      ['weather', 'a', 3],
    ] as const) {
      counter.of({ route, kind }).add(amount);
      reference.inc({ route, kind }, amount);
    }
    expect(lines(await ours.metrics())).toEqual(lines(await theirs.metrics()));
  }
});

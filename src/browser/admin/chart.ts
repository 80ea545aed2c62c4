import type { Earning } from './answers.ts';
import { h, svg } from './dom.ts';
import { moneyList } from './format.ts';
import { type Column, table } from './table.ts';

const HEIGHT = 190;
const BASE = HEIGHT - 24;
const TOP = 14;
const LEFT = 52;

/** A bar for each day's earnings in one unit, redrawn for each width, above a table of the figures. */
export function dayChart(days: readonly Earning[], symbol: string | null): HTMLElement {
  const figure = h('figure', { class: 'chart' });
  const amounts = days.map(({ name, money }) => {
    const found = money.find((each) => each.symbol === symbol);
    // A float is exact enough for the height of a bar. The texts are exact.
    return { name, value: Number(found?.amount ?? 0), text: moneyList(money) };
  });
  const top = niceTop(Math.max(...amounts.map(({ value }) => value)));
  const label = `Revenue per day in ${symbol ?? 'atomic units'}, ${days.length} days; the figures are in the table below.`;
  const draw = (width: number): void => {
    const step = (width - LEFT) / amounts.length;
    const bars = amounts.map(({ name, value, text }, index) => {
      const height = top === 0 ? 0 : Math.max(value > 0 ? 2 : 0, ((BASE - TOP) * value) / top);
      const x = LEFT + index * step + step * 0.15;
      const place = {
        x: x.toFixed(1),
        y: (BASE - height).toFixed(1),
        width: (step * 0.7).toFixed(1),
        height: height.toFixed(1),
      };
      return svg('rect', { ...place, rx: '2', class: 'bar' }, svg('title', {}, `${name}: ${text}`));
    });
    const lines = [0, 0.5, 1].flatMap((share) => {
      const y = (BASE - (BASE - TOP) * share).toFixed(1);
      return [
        svg('line', { x1: String(LEFT), x2: String(width), y1: y, y2: y, class: 'grid' }),
        svg('text', { x: String(LEFT - 8), y: y, dy: '0.32em', 'text-anchor': 'end' }, shortNumber(top * share)),
      ];
    });
    const every = Math.ceil(amounts.length / Math.max(2, Math.floor((width - LEFT) / 90)));
    const dates = amounts.flatMap(({ name }, index) => {
      if ((amounts.length - 1 - index) % every !== 0) return [];
      const x = (LEFT + index * step + step / 2).toFixed(1);
      const last = index === amounts.length - 1;
      return [
        svg(
          'text',
          { x: last ? String(width) : x, y: String(HEIGHT - 6), 'text-anchor': last ? 'end' : 'middle' },
          name.slice(5),
        ),
      ];
    });
    const size = { viewBox: `0 0 ${width} ${HEIGHT}`, width: String(width), height: String(HEIGHT) };
    picture.replaceChildren(svg('svg', { ...size, role: 'img', 'aria-label': label }, ...lines, ...bars, ...dates));
  };
  const picture = h('div', { class: 'picture' });
  new ResizeObserver(([entry]) => {
    const width = Math.floor(entry?.contentRect.width ?? 0);
    if (width > LEFT * 2) draw(width);
  }).observe(picture);
  const earned = amounts.filter(({ text }) => text !== '–');
  type Day = (typeof amounts)[number];
  const columns: readonly Column<Day>[] = [
    { title: 'Day (UTC)', cell: ({ name }) => name },
    { title: 'Revenue', cell: ({ text }) => text, figure: true },
  ];
  const figures = table('Revenue per day', columns, [...earned].reverse(), 'Nothing yet.');
  figure.append(picture, h('details', {}, h('summary', {}, 'Figures by day'), figures));
  return figure;
}

/** The next round number: 1, 2, 2.5 or 5 with zeros. */
function niceTop(value: number): number {
  if (value <= 0) return 0;
  const size = 10 ** Math.floor(Math.log10(value));
  const step = [1, 2, 2.5, 5, 10].find((each) => each * size >= value) ?? 10;
  return step * size;
}

function shortNumber(value: number): string {
  if (value === 0) return '0';
  return new Intl.NumberFormat('en', {
    notation: value >= 10_000 ? 'compact' : 'standard',
    maximumSignificantDigits: 3,
  }).format(value);
}

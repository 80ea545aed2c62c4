import type { Plan } from '../domain/plan.ts';
import { isPriced } from '../domain/route-price.ts';
import { enforceText } from './describe.ts';

/** Most routes that are named; the others are counted. */
const MOST_NAMED = 5;

/** Says which priced routes do not charge everybody, in one line for operators; `undefined` when all of them do. */
export function describeShadowed({ routes }: Plan): string | undefined {
  const priced = routes.filter(isPriced);
  const shadowed = priced.filter(({ enforcePercent }) => enforcePercent < 100);
  if (shadowed.length === 0) return undefined;
  const named = shadowed
    .slice(0, MOST_NAMED)
    .map(({ name, enforcePercent }) => `${name} (enforce: ${enforceText(enforcePercent)})`);
  const more = shadowed.length > MOST_NAMED ? [`${shadowed.length - MOST_NAMED} more`] : [];
  const list = [...named, ...more].join(', ');
  return `shadow mode: ${shadowed.length} of ${priced.length} priced routes let clients through free of charge: ${list}`;
}

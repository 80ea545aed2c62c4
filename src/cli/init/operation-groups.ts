import { parsePathPattern } from '../../config/path-pattern.ts';
import { affixConflicts, shapeOfSegment } from '../../domain/affix-conflicts.ts';
import type { PathPattern } from '../../domain/route.ts';
import type { Operation } from '../../openapi/operations.ts';
import { parameterSegment } from './route-path.ts';

/** Operations that no route can distinguish: they share one. */
export interface OperationGroup {
  readonly method: string;
  readonly pattern: PathPattern;
  readonly operations: readonly Operation[];
  /** In what the route is wider than the operations; empty where it is not. */
  readonly notes: readonly string[];
}

/** Groups of operations by method and by what their paths match. */
export class OperationGroups {
  readonly #groups = new Map<string, OperationGroup>();

  /** Adds a group to the one that the same requests match. */
  add(group: OperationGroup): void {
    const { segments, rest } = group.pattern;
    const key = JSON.stringify([group.method, segments.map(shapeOfSegment), rest]);
    const known = this.#groups.get(key);
    if (known === undefined) this.#groups.set(key, group);
    else
      this.#groups.set(key, {
        ...known,
        operations: [...known.operations, ...group.operations],
        notes: [...known.notes, ...group.notes],
      });
  }

  all(): readonly OperationGroup[] {
    return [...this.#groups.values()];
  }
}

/**
 * Widens ambiguous paths to their common literals: for some request neither path is the more specific, such as `/a{x}`
 * and `/{x}b` for `/a1b`. A price table must not hold such paths; the widened route has the highest price. The loop
 * ends, because each round leaves fewer literals.
 */
export function mergeAmbiguous(groups: OperationGroups): OperationGroups {
  const clusters = clustersOf(groups.all());
  if (clusters.size === 0) return groups;
  const next = new OperationGroups();
  for (const group of groups.all()) {
    const cluster = clusters.get(group);
    next.add(cluster === undefined ? group : widened(group, cluster));
  }
  return mergeAmbiguous(next);
}

/** Groups that are ambiguous with each other in one segment, directly or through others. */
interface Cluster {
  readonly at: number;
  readonly members: Set<OperationGroup>;
}

/** A group that is ambiguous in several segments has the others widened in a later round. */
function clustersOf(groups: readonly OperationGroup[]): ReadonlyMap<OperationGroup, Cluster> {
  const entries = groups.map((group) => ({ pattern: group.pattern, methods: [group.method], host: undefined, group }));
  const clusters = new Map<OperationGroup, Cluster>();
  for (const { first, second, at } of affixConflicts(entries)) {
    const [one, other] = [first.group, second.group].map(
      (group) => clusters.get(group) ?? { at, members: new Set([group]) },
    );
    if (one === undefined || other === undefined || one === other || one.at !== at || other.at !== at) continue;
    for (const member of other.members) one.members.add(member);
    for (const member of one.members) clusters.set(member, one);
  }
  return clusters;
}

function widened(group: OperationGroup, { at, members }: Cluster): OperationGroup {
  const segment = group.pattern.segments[at];
  const all = [...members].flatMap(({ pattern }) => pattern.segments[at] ?? []);
  const affixes = all.filter((each) => each.kind === 'affix');
  if (segment?.kind !== 'affix') return group;
  // Each overlaps the next, so that the shortest is the beginning, or the end, of all.
  const prefix = shortest(affixes.map((affix) => affix.prefix));
  const suffix = shortest(affixes.map((affix) => affix.suffix));
  return withSegment(group, at, parameterSegment(prefix, segment.name, suffix));
}

function shortest(texts: readonly string[]): string {
  return texts.reduce((least, each) => (each.length < least.length ? each : least));
}

function withSegment(group: OperationGroup, at: number, segment: string): OperationGroup {
  const parts = group.pattern.text.split('/');
  const [given] = parts.splice(at + 1, 1, segment);
  const parsed = parsePathPattern(parts.join('/'));
  if (!parsed.ok) throw new Error(`${parts.join('/')}: ${parsed.wrong}`);
  return { ...group, pattern: parsed.value, notes: [...group.notes, `${given} is taken as ${segment}`] };
}

import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';
import { describe, expect, it } from 'vitest';
import { InFlight } from '../../../src/domain/in-flight.ts';
import { findCollector } from '../../../src/engine/collector.ts';

describe('an entry in flight', () => {
  it('is listed, latest first, until it is removed', () => {
    const open = new InFlight<string>();
    const [one, two, three] = [open.add('one'), open.add('two'), open.add('three')];
    expect(open.values).toEqual(['three', 'two', 'one']);
    open.remove(two);
    expect(open.values).toEqual(['three', 'one']);
    open.remove(three);
    open.remove(one);
    expect(open.values).toEqual([]);
    open.add('four');
    expect(open.values).toEqual(['four']);
  });

  it('is removed once, however often removal is asked for', () => {
    const open = new InFlight<string>();
    const one = open.add('one');
    open.remove(one);
    const again = open.add('one');
    open.remove(one);
    expect(open.values).toEqual(['one']);
    open.remove(again);
    expect(open.values).toEqual([]);
  });

  it('is collected with the young generation after removal, however old the list is', () => {
    setFlagsFromString('--expose-gc');
    const collect = findCollector();
    const open = new InFlight<object>();
    const under = Array.from({ length: 8 }, () => open.add({}));
    // Twice is what V8 takes for old.
    for (let round = 0; round < 3; round += 1) collect?.({ type: 'minor' });
    const before = oldBytes();
    for (let index = 0; index < 20_000; index += 1) {
      const place = index % under.length;
      const entry = under[place];
      if (entry !== undefined) open.remove(entry);
      under[place] = open.add(new Array(64).fill(index));
    }
    collect?.({ type: 'minor' });
    // 20 000 members are 10 MB.
    expect(oldBytes() - before).toBeLessThan(1_000_000);
    expect(open.values).toHaveLength(8);
  });
});

function oldBytes(): number {
  return getHeapSpaceStatistics().find(({ space_name }) => space_name === 'old_space')?.space_used_size ?? 0;
}

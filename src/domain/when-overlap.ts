import { compareNumbers } from './plain-number.ts';
import { type Condition, fitsPattern, subjectKey, type ValueTest, type When } from './when.ts';

/** Stands for whatever a `*` of another pattern may be: no text of a configuration holds it. */
const ANYTHING = '\uffff';

/** Whether every request that fits `narrow` fits `wide`, as far as the conditions alone tell. */
export function covers(wide: When, narrow: When): boolean {
  return wide.every((condition) => {
    const same = sameSubject(narrow, condition);
    return same !== undefined && testCovers(condition.test, same.test);
  });
}

/** Whether some request may fit both. */
export function meets(one: When, other: When): boolean {
  return one.every((condition) => {
    const same = sameSubject(other, condition);
    return same === undefined || testsMeet(condition.test, same.test);
  });
}

function sameSubject(when: When, { subject }: Condition): Condition | undefined {
  return when.find((each) => subjectKey(each.subject) === subjectKey(subject));
}

function testCovers(wide: ValueTest, narrow: ValueTest): boolean {
  if (wide.kind === 'absent' || narrow.kind === 'absent') return wide.kind === narrow.kind;
  if (wide.kind === 'present') return true;
  if (narrow.kind === 'present') return false;
  if (wide.kind === 'range') return narrow.kind === 'range' && rangeCovers(wide, narrow);
  if (narrow.kind === 'range') return wide.patterns.includes('*');
  return narrow.patterns.every((pattern) => {
    const sample = pattern.replaceAll('*', ANYTHING);
    return wide.patterns.some((each) => fitsPattern(each, sample));
  });
}

function testsMeet(one: ValueTest, other: ValueTest): boolean {
  if (one.kind === 'absent' || other.kind === 'absent') return one.kind === other.kind;
  if (one.kind === 'texts' && other.kind === 'texts')
    return one.patterns.some((left) => other.patterns.some((right) => patternsMeet(left, right)));
  if (one.kind === 'range' && other.kind === 'range') return isBelow(one.min, other.max) && isBelow(other.min, one.max);
  return true;
}

function rangeCovers(wide: ValueTest & { kind: 'range' }, narrow: ValueTest & { kind: 'range' }): boolean {
  const fromBelow = wide.min === undefined || (narrow.min !== undefined && isBelow(wide.min, narrow.min));
  return fromBelow && (wide.max === undefined || (narrow.max !== undefined && isBelow(narrow.max, wide.max)));
}

function isBelow(one: string | undefined, other: string | undefined): boolean {
  return one === undefined || other === undefined || compareNumbers(one, other) <= 0;
}

/** Whether some text fits both patterns. */
function patternsMeet(one: string, other: string): boolean {
  if (!one.includes('*')) return fitsPattern(other, one);
  if (!other.includes('*')) return fitsPattern(one, other);
  const [front, otherFront] = [one.slice(0, one.indexOf('*')), other.slice(0, other.indexOf('*'))];
  const [back, otherBack] = [one.slice(one.lastIndexOf('*') + 1), other.slice(other.lastIndexOf('*') + 1)];
  // What is between the first and the last wildcard can be made to fit both.
  const isFrontFree = front.startsWith(otherFront) || otherFront.startsWith(front);
  return isFrontFree && (back.endsWith(otherBack) || otherBack.endsWith(back));
}

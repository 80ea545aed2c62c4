import { describe, expect, it } from 'vitest';
import { Counts } from '../../../src/domain/counts.ts';

describe('counts by key', () => {
  it('go up and down, and never below zero', () => {
    const counts = new Counts();
    expect(counts.of('a')).toBe(0);
    expect(counts.add('a', 2)).toBe(2);
    expect(counts.add('a', -1)).toBe(1);
    expect(counts.add('a', -5)).toBe(0);
    expect(counts.of('a')).toBe(0);
    expect(counts.of('b')).toBe(0);
  });

  it('forget keys at zero when there are many, and no others', () => {
    const counts = new Counts();
    for (let client = 0; client < 100; client += 1) counts.add(`held ${client}`, 1);
    for (let client = 0; client < 10_000; client += 1) {
      counts.add(`passing ${client}`, 1);
      counts.add(`passing ${client}`, -1);
    }
    expect(counts.kept).toBeLessThanOrEqual(256);
    for (let client = 0; client < 100; client += 1) expect(counts.of(`held ${client}`)).toBe(1);
  });

  it('keep all that are held, however many they are', () => {
    const counts = new Counts();
    for (let client = 0; client < 5000; client += 1) counts.add(`client ${client}`, 1);
    for (let client = 0; client < 5000; client += 1) expect(counts.of(`client ${client}`)).toBe(1);
    for (let client = 0; client < 5000; client += 1) counts.add(`client ${client}`, -1);
    for (let client = 0; client < 20_000; client += 1) counts.add(`passing ${client}`, 0);
    expect(counts.kept).toBeLessThanOrEqual(10_000);
  });
});

import { describe, expect, it } from 'vitest';
import { describeRoute } from '../../../src/config/describe.ts';
import type { Route } from '../../../src/domain/route.ts';
import { planOf, problemsOf, route } from '../../support/config/load.ts';

function routeOf(text: string): Route {
  const [first] = planOf(text).routes;
  if (first === undefined) throw new Error('the file has no route');
  return first;
}

describe('builderCode', () => {
  it('of the file holds for each priced route that says nothing else', () => {
    const file = `builderCode: my_app\n`;
    expect(routeOf(file + route('price: $1')).builderCode).toEqual({ app: 'my_app', services: [] });
    expect(routeOf(file + route('price: $1\nbuilderCode: other')).builderCode?.app).toBe('other');
    expect(routeOf(file + route('price: $1\nbuilderCode: off'))).not.toHaveProperty('builderCode');
    expect(routeOf(file + route('price: free'))).not.toHaveProperty('builderCode');
  });

  it('names services, and is shown with them', () => {
    const read = routeOf(route('price: $1\nbuilderCode: { app: off, services: [maps, geo_2] }'));
    expect(read.builderCode).toEqual({ app: 'off', services: ['maps', 'geo_2'] });
    expect(describeRoute(read).builderCode).toBe('off with maps, geo_2');
  });

  it.each([
    ['capitals', 'builderCode: MyApp'],
    ['other characters', 'builderCode: my-app'],
    ['a long code', `builderCode: ${'a'.repeat(33)}`],
    ['nothing', 'builderCode: ""'],
    ['no app', 'builderCode: { services: [maps] }'],
    ['a service that is no code', 'builderCode: { app: a, services: [Maps] }'],
    ['six services', 'builderCode: { app: a, services: [a, b, c, d, e, f] }'],
  ])('is refused with %s', (_, line) => {
    expect(problemsOf(route(`price: $1\n${line}`))).toHaveLength(1);
  });

  it('is refused on a free route, where nothing is settled', () => {
    expect(problemsOf(route('price: free\nbuilderCode: my_app'))).toHaveLength(1);
  });
});

import { describe, expect, it, vi } from 'vitest';
import { parsePathPattern } from '../../../src/config/path-pattern.ts';
import type { PathPattern } from '../../../src/domain/route.ts';
import { type Matchable, RouteTable } from '../../../src/domain/route-table.ts';

interface NamedRoute extends Matchable {
  readonly name: string;
}

/** Reads `GET,POST api.example /v1/:x`; methods and host may be left out. The text is the route's name. */
function route(name: string): NamedRoute {
  const words = name.split(' ');
  const methods = words.find((word) => /^[A-Z,]+$/.test(word))?.split(',');
  const host = words.find((word) => /^[a-z]/.test(word));
  return { name, methods, host, pattern: pattern(words.at(-1) ?? '') };
}

function pattern(text: string): PathPattern {
  const parsed = parsePathPattern(text);
  if (!parsed.ok) throw new Error(parsed.wrong);
  return parsed.value;
}

function table(...names: readonly string[]): RouteTable<NamedRoute> {
  return new RouteTable(names.map(route));
}

/** Name of the route that takes `GET` on no particular host, or what else is asked for. */
function found(routes: RouteTable<NamedRoute>, path: string, method = 'GET', host = 'any.example'): string | undefined {
  return routes.match(method, host, path)?.name;
}

describe('the route table', () => {
  it.each([
    ['/v1/weather/oslo', '/v1/weather/oslo'],
    ['/v1/weather/bergen', '/v1/weather/:city'],
    ['/v1/weather', '/v1/*'],
    ['/v1/weather/oslo/today', '/v1/weather/:city/today'],
    ['/v1/weather/oslo/now', '/v1/*'],
    ['/v2', '/*'],
    ['/', '/'],
    ['/v1/weather/', '/v1/*'],
  ])('gives %s to %s, the most specific', (path, name) => {
    const names = ['/*', '/', '/v1/*', '/v1/weather/:city', '/v1/weather/oslo', '/v1/weather/:city/today'];
    expect(found(table(...names), path)).toBe(name);
    expect(found(table(...names.reverse()), path)).toBe(name);
  });

  it.each([
    ['/m/a:count', '/m/{model}:count'],
    ['/m/a%3Acount', '/m/{model}:count'],
    ['/m/gpt-1:count', '/m/gpt-{model}:count'],
    ['/m/gpt-x:count', '/m/gpt-x:count'],
    ['/m/a:other', '/m/:model'],
    ['/m/:count', '/m/:model'],
    ['/m/gpt-:count', '/m/{model}:count'],
    ['/m/a:count/b', '/m/*'],
  ])('gives %s to %s, where parameters are parts of segments', (path, name) => {
    const names = ['/m/*', '/m/:model', '/m/{model}:count', '/m/gpt-x:count', '/m/gpt-{model}:count'];
    expect(found(table(...names), path)).toBe(name);
    expect(found(table(...names.reverse()), path)).toBe(name);
  });

  it.each([
    [['/a{x}', '/{x}b'], true],
    [['/a{x}', '/{y}b/*'], true],
    [['GET /a{x}', 'HEAD /{x}b'], true],
    [['/a{x}/c', '/{x}b/:y'], true],
    [['/a{x}/c{y}', '/{x}b/cd'], true],
    [['/a{x}', '/a{y}'], true],
    [['/a{x}', '/a{x}b'], false],
    [['/a{x}', '/b{x}'], false],
    [['GET /a{x}', 'POST /{x}b'], false],
    [['/a{x}/c', '/{x}b/d'], false],
    [['/a{x}/c', '/{x}b'], false],
    [['/z/a{x}', '/y/{x}b'], false],
    [['one.example /a{x}', 'two.example /{x}b'], false],
  ])('of %j with parameters in parts of segments: a conflict is %s', (names, clash) => {
    expect(table(...names).conflicts).toHaveLength(clash ? 1 : 0);
    expect(table(...names.toReversed()).conflicts).toHaveLength(clash ? 1 : 0);
  });

  it('goes back to a wider affix, then to a parameter, where the narrower one leads nowhere', () => {
    const routes = table('/ab{x}/c', '/a{x}/d', '/:x/e');
    expect(found(routes, '/abc/c')).toBe('/ab{x}/c');
    expect(found(routes, '/abc/d')).toBe('/a{x}/d');
    expect(found(routes, '/abc/e')).toBe('/:x/e');
  });

  it('goes back to a parameter where the literal branch leads nowhere', () => {
    const routes = table('/a/b/c', '/:x/b/d', '/a/:y/e');
    expect(found(routes, '/a/b/d')).toBe('/:x/b/d');
    expect(found(routes, '/a/b/e')).toBe('/a/:y/e');
    expect(found(routes, '/a/b/f')).toBeUndefined();
  });

  it.each([
    '/v1/reports',
    '/v1/reports/',
    '/v1/reports/a',
    '/v1/reports/a/b/',
    '/v1/reports/%20',
  ])('lets a trailing /* cover %s', (path) => {
    expect(found(table('/v1/reports/*'), path)).toBe('/v1/reports/*');
  });

  it.each([
    '/v1/reportsx',
    '/v1/report',
    '/v1',
    '/',
    '/v1/Reports/a',
    '/V1/reports',
  ])('does not let /v1/reports/* cover %s', (path) => {
    expect(found(table('/v1/reports/*'), path)).toBeUndefined();
  });

  it('treats a path with a trailing slash as a different path', () => {
    const routes = table('/v1/jobs', '/v2/jobs/');
    expect(found(routes, '/v1/jobs')).toBe('/v1/jobs');
    expect(found(routes, '/v1/jobs/')).toBeUndefined();
    expect(found(routes, '/v2/jobs')).toBeUndefined();
    expect(found(routes, '/v2/jobs/')).toBe('/v2/jobs/');
  });

  it.each(['/v1/weather', '/v1/weather/', '/v1/weather/a/b'])('does not match :city for %s', (path) => {
    expect(found(table('/v1/weather/:city'), path)).toBeUndefined();
  });

  it.each([
    'constructor',
    '__proto__',
    'toString',
    'hasOwnProperty',
  ])('knows no route called %s by accident', (name) => {
    expect(found(table('/a', '/b/*'), `/${name}`)).toBeUndefined();
    expect(found(table('/a', `/${name}`), `/${name}`)).toBe(`/${name}`);
    expect(found(table('/a'), '/a', name)).toBe('/a');
    expect(found(table('GET /a'), '/a', name)).toBeUndefined();
    expect(found(table('/a'), '/a', 'GET', name)).toBe('/a');
  });

  it('reads an escaped character as the character, so that no spelling leads past a priced route', () => {
    const routes = table('/v1/*', '/v1/models:run', '/v1/@me', '/v1/a%2Cb');
    expect(found(routes, '/v1/models%3Arun')).toBe('/v1/models:run');
    expect(found(routes, '/v1/%40me')).toBe('/v1/@me');
    expect(found(routes, '/v1/a,b')).toBe('/v1/a%2Cb');
    expect(found(routes, '/v1/100%25')).toBe('/v1/*');
  });
});

describe('the methods of a route', () => {
  it('answer HEAD with GET, and nothing else', () => {
    const routes = table('GET /a', 'POST /b');
    expect(found(routes, '/a', 'HEAD')).toBe('GET /a');
    expect(found(routes, '/b', 'HEAD')).toBeUndefined();
    for (const method of ['POST', 'OPTIONS', 'QUERY', 'get']) expect(found(routes, '/a', method)).toBeUndefined();
  });

  it('answer HEAD with a route of its own where there is one', () => {
    expect(found(table('GET /a', 'HEAD /a'), '/a', 'HEAD')).toBe('HEAD /a');
  });

  it('charge HEAD what GET costs, before a route for every method', () => {
    expect(found(table('/a', 'GET /a'), '/a', 'HEAD')).toBe('GET /a');
    expect(found(table('/a', 'GET /a'), '/a', 'DELETE')).toBe('/a');
  });

  it('leave a request to a less specific route where the more specific one has another method', () => {
    const routes = table('POST /v1/jobs', '/v1/*');
    expect(found(routes, '/v1/jobs', 'POST')).toBe('POST /v1/jobs');
    expect(found(routes, '/v1/jobs', 'GET')).toBe('/v1/*');
  });
});

describe('the host of a route', () => {
  const routes = table('api.example /v1/*', '/v1/weather', '/v2');

  it('comes before the path', () => {
    expect(found(routes, '/v1/weather', 'GET', 'api.example')).toBe('api.example /v1/*');
    expect(found(routes, '/v1/weather', 'GET', 'other.example')).toBe('/v1/weather');
  });

  it('leaves requests that it does not serve to the routes without host', () => {
    expect(found(routes, '/v2', 'GET', 'api.example')).toBe('/v2');
  });

  it('does not match as a suffix or a prefix', () => {
    for (const host of ['xapi.example', 'api.example.evil', 'example', '']) {
      expect(found(routes, '/v1/x', 'GET', host)).toBeUndefined();
    }
  });
});

describe('two routes for the same requests', () => {
  it.each([
    ['/a', '/a'],
    ['/a/:x', '/a/:y'],
    ['/a/:x/*', '/a/:y/*'],
    ['GET /a', 'GET,POST /a'],
    ['POST,GET /a', 'PUT,GET /a'],
    ['api.example /a', 'api.example /a'],
    ['/a%2Cb', '/a,b'],
  ])('%s and %s are a conflict, told once', (first, second) => {
    const { conflicts } = table('/other', first, second);
    expect(conflicts.map((pair) => [pair.first.name, pair.second.name])).toEqual([[first, second]]);
  });

  it.each([
    ['/a', '/b'],
    ['/a', '/a/'],
    ['/a', '/a/*'],
    ['/a/:x', '/a/x'],
    ['/a/:x', '/a/*'],
    ['GET /a', 'POST /a'],
    ['GET /a', 'HEAD /a'],
    ['GET /a', '/a'],
    ['api.example /a', '/a'],
    ['api.example /a', 'www.example /a'],
  ])('%s and %s are no conflict', (first, second) => {
    expect(table(first, second).conflicts).toEqual([]);
    expect(table(second, first).conflicts).toEqual([]);
  });
});

describe('a large price table', () => {
  /** How many times the table looks something up in order to answer. */
  function lookups(routes: RouteTable<NamedRoute>, path: string): number {
    const get = vi.spyOn(Map.prototype, 'get');
    try {
      found(routes, path);
      return get.mock.calls.length;
    } finally {
      get.mockRestore();
    }
  }

  it.each([
    '/v1/weather/oslo',
    '/v1/jobs/7/log',
    '/v1/none',
    '/v9/a/b/c/d/e/f',
  ])('visits as few nodes for %s with 10 000 routes as with three', (path) => {
    const few = ['/v1/weather/:city', '/v1/jobs/:id/log', '/v1/*'];
    const many = Array.from({ length: 10_000 }, (_, index) => `/v1/other${index}/:id/part${index % 7}`);
    const small = lookups(table(...few), path);
    expect(small).toBeGreaterThan(0);
    expect(lookups(table(...few, ...many), path)).toBe(small);
  });
});

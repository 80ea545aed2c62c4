import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { routePathOf } from '../../../src/cli/init/route-path.ts';

function written(template: string): string {
  const path = routePathOf(template);
  return path.ok ? path.pattern.text : `no route: ${path.wrong}`;
}

describe('the route of a path template', () => {
  it.each([
    ['/pets/{petId}', '/pets/:petId'],
    ['/pets/{pet-id}', '/pets/:pet_id'],
    ['/{id}/x/{id}', '/:id/x/:id2'],
    ['/{1st}', '/:p1st'],
    ['/files/{proxy+}', '/files/*'],
    ['/files/{+path}', '/files/*'],
    ['/report.{format}', '/report.{format}'],
    ['/models/{model-id}:generateContent', '/models/{model_id}:generateContent'],
    ['/:{id}', '/%3A{id}'],
    ['/a b{id}*', '/a%20b{id}%2A'],
    ['/{from}-{to}', '/:from_to'],
    ['/image(w={w},h={h})', '/image(w={w_h_h})'],
    ['/v{major}.{minor}:run', '/v{major_minor}:run'],
    ['/{a{b}c}', '/:a_b_c'],
    ['/a}{b', '/:a_b'],
    ['/a b/ü', '/a%20b/%C3%BC'],
    ['/:literal/*', '/%3Aliteral/%2A'],
    ['/search?q={q}', '/search'],
    ['/', '/'],
    ['/pets/', '/pets/'],
  ])('%s is %s', (template, path) => {
    expect(written(template)).toBe(path);
  });

  it.each(['/a//b', '/a/../b', '/a;v=1', '/a\\b'])('%s has none, and is told', (template) => {
    expect(written(template)).toMatch(/^no route: /);
  });

  it('is one that the configuration takes, whatever the template', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 40 }), (text) => {
        expect(() => routePathOf(`/${text}`)).not.toThrow();
      }),
    );
  });
});

import { describe, expect, it } from 'vitest';
import { differenceOf, renderChange } from '../../../src/config/difference.ts';
import { HEAD, planOf, problemsOf } from '../../support/config/load.ts';

const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const URL_LINE = 'url: https://shop.example.com/turnpike';
const BYTES = Buffer.from('MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', 'base64').toString('base64');

const ROUTES = '[{ path: /a, price: $1, name: weather }, { path: /b, price: free, name: health }]\n';

function file(...entries: readonly string[]): string {
  const hooks = entries.map((entry) => `  - { ${entry} }\n`).join('');
  return `${HEAD}webhooks:\n${hooks}routes: ${ROUTES}`;
}

describe('webhooks', () => {
  it('are none by default', () => {
    expect(planOf(`${HEAD}routes:\n  - { path: /a, price: $1 }\n`).webhooks).toEqual([]);
  });

  it('are receivers with a secret, of all routes or of some', () => {
    const plan = planOf(
      file(`${URL_LINE}, secret: ${SECRET}`, `url: "http://127.0.0.1:9000", secret: ${SECRET}, routes: [weather]`),
    );
    expect(plan.webhooks).toEqual([
      { id: expect.any(String), url: 'https://shop.example.com/turnpike', secret: BYTES, routes: undefined },
      { id: expect.any(String), url: 'http://127.0.0.1:9000/', secret: BYTES, routes: ['weather'] },
    ]);
    expect(new Set(plan.webhooks.map(({ id }) => id)).size).toBe(2);
  });

  it('keep their id when their secret changes, so that waiting events are still sent', () => {
    const [before] = planOf(file(`${URL_LINE}, secret: ${SECRET}`)).webhooks;
    const [after] = planOf(file(`${URL_LINE}, secret: some-other-secret, routes: [weather]`)).webhooks;
    expect(after?.id).toBe(before?.id);
    expect(after?.secret).not.toBe(before?.secret);
  });

  it('take a text as a secret, by its bytes', () => {
    const [hook] = planOf(file(`${URL_LINE}, secret: "\${HOOK}"`), { env: { HOOK: 'correct horse battery' } }).webhooks;
    expect(Buffer.from(hook?.secret ?? '', 'base64').toString()).toBe('correct horse battery');
  });

  it.each([
    [`url: http://shop.example.com/, secret: ${SECRET}`, 'without TLS'],
    [`url: http://127.example.com/, secret: ${SECRET}`, 'without TLS'],
    [`url: ftp://shop.example.com/, secret: ${SECRET}`, 'not an http or https URL'],
    [`url: "https://shop.example.com/?key=1", secret: ${SECRET}`, 'holds a query'],
    [`url: "https://me:pass@shop.example.com/", secret: ${SECRET}`, 'holds a user'],
    [`secret: ${SECRET}`, 'it is missing'],
    [URL_LINE, 'it is missing'],
    [`${URL_LINE}, secret: short`, 'only 5 bytes'],
    [`${URL_LINE}, secret: whsec_c2hvcnQ=`, 'only 5 bytes'],
    [`${URL_LINE}, secret: "whsec_not base64 at all"`, 'no base64'],
    [`${URL_LINE}, secret: aaaaaaaaaaaaaaaaaaaaaaaaaaaa`, 'not random'],
    [`${URL_LINE}, secret: ${SECRET}, routes: [wether]`, 'no route named "wether", expected weather'],
    [`${URL_LINE}, secret: ${SECRET}, routes: [health]`, 'is free, so that nobody pays'],
    [`${URL_LINE}, secret: ${SECRET}, routes: []`, 'the list is empty'],
    [`${URL_LINE}, secret: ${SECRET}, retries: 5`, 'not known'],
  ])('are refused as { %s }', (entry, wrong) => {
    const problems = problemsOf(file(entry));
    expect(problems).toEqual([expect.stringContaining(wrong)]);
    expect(problems.join()).not.toMatch(/MfKQ9|c2hvcnQ|aaaaaaaa|me:pass/);
  });

  it('are refused when two have one URL', () => {
    expect(problemsOf(file(`${URL_LINE}, secret: ${SECRET}`, `${URL_LINE}, secret: ${SECRET}`))).toEqual([
      expect.stringContaining('two webhooks with this URL'),
    ]);
  });

  it('change with a reload, and neither secret nor path is shown', () => {
    const changes = differenceOf(planOf(`${HEAD}routes: ${ROUTES}`), planOf(file(`${URL_LINE}, secret: ${SECRET}`)));
    expect(changes.map(renderChange)).toEqual(['~ webhooks: none → https://shop.example.com']);
  });
});

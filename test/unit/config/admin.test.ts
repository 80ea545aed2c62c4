import { describe, expect, it } from 'vitest';
import { HEAD, planOf, problemsOf } from '../../support/config/load.ts';

const TOKEN = 'a'.repeat(24);
const ROUTES = 'routes:\n  - { path: /a, price: free }\n';

function withAdmin(admin: string, more = ''): string {
  return `${HEAD}admin: ${admin}\n${more}${ROUTES}`;
}

describe('the admin listener', () => {
  it('takes an address, and serves the page to this machine only', () => {
    const plan = planOf(withAdmin('127.0.0.1:9402'));
    expect(plan.admin).toEqual({ kind: 'tcp', host: '127.0.0.1', port: 9402 });
    expect(plan.adminPage).toEqual({ token: undefined });
  });

  it.each(['[::1]:9402', 'localhost:9402', '127.1.2.3:9402'])('counts %s as this machine', (address) => {
    expect(planOf(withAdmin(`"${address}"`)).adminPage).toEqual({ token: undefined });
  });

  it.each([
    '0.0.0.0:9402',
    '"[::]:9402"',
    '10.0.0.1:9402',
    'unix:/run/admin.sock',
  ])('serves no page without a token on %s, but everything else', (address) => {
    const plan = planOf(withAdmin(address));
    expect(plan.adminPage).toBeUndefined();
    expect(plan.admin).toBeDefined();
  });

  it('serves the page on any address with a token', () => {
    const plan = planOf(withAdmin(`{listen: 0.0.0.0:9402, token: ${TOKEN}}`));
    expect(plan.adminPage).toEqual({ token: TOKEN });
  });

  it('is refused where the page is to be on for other machines without a token', () => {
    expect(problemsOf(withAdmin('{listen: 0.0.0.0:9402, page: on}'))).toEqual([
      expect.stringMatching(/admin: the admin page is on without a token.*a token, an address such as 127.0.0.1:9402/),
    ]);
  });

  it('can be without the page, and can be off', () => {
    expect(planOf(withAdmin(`{page: off, token: ${TOKEN}}`)).adminPage).toBeUndefined();
    const off = planOf(withAdmin('off'));
    expect([off.admin, off.adminPage]).toEqual([undefined, undefined]);
  });

  it('has the default address when none is given', () => {
    expect(planOf(withAdmin(`{token: ${TOKEN}}`)).admin).toEqual({ kind: 'tcp', host: '127.0.0.1', port: 9402 });
  });

  it('takes hosts from its own key and from adminHosts', () => {
    const plan = planOf(withAdmin('{hosts: [admin.example.com, b.example.com]}', 'adminHosts: [b.example.com]\n'));
    expect(plan.adminHosts).toEqual(['b.example.com', 'admin.example.com']);
  });

  it.each([
    ['short'],
    ['a'.repeat(300)],
    [`${'a'.repeat(30)} b`],
    [`"${'a'.repeat(30)}ä"`],
  ])('refuses the token %j without showing it', (token) => {
    const [problem = ''] = problemsOf(withAdmin(`{token: ${token}}`));
    expect(problem).toContain('admin.token');
    expect(problem).not.toContain(token.replaceAll('"', ''));
  });

  it('cannot share the address of the public listener, in either form', () => {
    expect(problemsOf(withAdmin('{listen: 0.0.0.0:8402, page: off}'))).toEqual([
      expect.stringContaining('listen has the same address'),
    ]);
  });
});

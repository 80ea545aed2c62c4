import { describe, expect, it } from 'vitest';
import type { Plan } from '../../../src/domain/plan.ts';
import { type RequestHead, requestHead } from '../../../src/domain/request-head.ts';
import { acceptRequest } from '../../../src/pipeline/accept.ts';
import { isPreflight } from '../../../src/pipeline/cross-origin.ts';
import { type AcceptedHead, emptyNotes } from '../../../src/pipeline/exchange.ts';
import { matchRoute, resourceUrlOf } from '../../../src/pipeline/match.ts';
import { broughtIn } from '../../../src/pipeline/read-payment.ts';
import type { Runtime } from '../../../src/pipeline/runtime.ts';
import { compileTrustedPeers } from '../../../src/proxy/trusted-peers.ts';
import { protocols } from '../../../src/registry.ts';
import { planOf } from '../../support/gateway.ts';

type Fields = readonly (readonly [string, string])[];

const PLAN: Plan = await planOf(`upstream: http://127.0.0.1:1
payTo: "0x209693Bc6afc0C5328bA36FaF03C514EF312287C"
accepts: [base]
facilitator: https://facilitator.example
limits: { bodyBytes: 1000 }
routes: [{ path: "/v1/*", methods: [GET, POST], price: $1 }]
`);

/** Accepts a request by value: no connection anywhere. */
function accept(head: RequestHead, trusted: readonly string[] = [], plan: Plan = PLAN): AcceptedHead {
  const runtime = { plan, trustedPeers: compileTrustedPeers(trusted) } as Runtime;
  return acceptRequest({ head, runtime, requestId: 'an id', notes: emptyNotes() });
}

function get(target: string, fields: Fields = [['Host', 'api.example']], peer = '10.0.0.1'): RequestHead {
  return requestHead({ method: 'GET', target, peer }, fields);
}

describe('accepting the head of a request', () => {
  it('reads path, query, host and the origin that the client used', () => {
    const accepted = accept(get('/v1/%61?b=c'));
    expect(accepted).toMatchObject({ path: '/v1/a', query: '?b=c', host: 'api.example' });
    expect(accepted.publicOrigin).toBe('http://api.example');
    expect(accepted.notes.path).toBe('/v1/a');
  });

  it('treats an HTTP/1.0 request without Host as one to `publicUrl`, if there is one', () => {
    const old: RequestHead = { ...get('/v1/a', []), httpVersionMinor: 0 };
    const plan = { ...PLAN, publicUrl: 'https://api.example:8443' };
    expect(accept(old, [], plan)).toMatchObject({ host: 'api.example:8443', publicOrigin: 'https://api.example:8443' });
    expect(accept({ ...old, target: 'http://api.example:8443/v1/a' }, [], plan).path).toBe('/v1/a');
    const refused = (head: RequestHead, at: Plan = plan): unknown => {
      try {
        return accept(head, [], at);
      } catch (fault) {
        return fault;
      }
    };
    expect(refused({ ...old, target: 'http://other.example/v1/a' })).toMatchObject({ code: 'request_target_invalid' });
    expect(refused(old, PLAN)).toMatchObject({ code: 'host_invalid' });
    expect(refused({ ...old, httpVersionMinor: 1 })).toMatchObject({ code: 'host_invalid' });
    const two: Fields = [
      ['Host', 'a'],
      ['Host', 'b'],
    ];
    expect(refused({ ...get('/v1/a', two), httpVersionMinor: 0 })).toMatchObject({ code: 'host_invalid' });
  });

  it('believes forwarding headers of trusted peers only', () => {
    const head = get('/v1/a', [
      ['Host', 'api.internal'],
      ['X-Forwarded-Proto', 'https'],
      ['X-Forwarded-Host', 'api.example'],
    ]);
    expect(accept(head).publicOrigin).toBe('http://api.internal');
    expect(accept(head, ['10.0.0.0/8']).publicOrigin).toBe('https://api.example');
  });

  it.each<[string, RequestHead, string]>([
    ['CONNECT', { ...get('/v1/a'), method: 'CONNECT' }, 'method_not_allowed'],
    [
      'a second Host',
      get('/v1/a', [
        ['Host', 'a'],
        ['host', 'b'],
      ]),
      'host_invalid',
    ],
    ['no Host', get('/v1/a', []), 'host_invalid'],
    ['two slashes', get('//v1/a'), 'request_target_invalid'],
    ['a target that names another host', get('http://other.example/v1/a'), 'request_target_invalid'],
    ['another version', { ...get('/v1/a'), httpVersionMajor: 2 }, 'request_malformed'],
    [
      'a coding beside chunked',
      get('/', [
        ['Host', 'a'],
        ['Transfer-Encoding', 'gzip, chunked'],
      ]),
      'request_malformed',
    ],
    [
      'an expectation',
      get('/', [
        ['Host', 'a'],
        ['Expect', '100-continue, more'],
      ]),
      'expectation_failed',
    ],
    [
      'an announced body over the limit',
      get('/', [
        ['Host', 'a'],
        ['Content-Length', '1001'],
      ]),
      'request_body_too_large',
    ],
  ])('refuses %s', (_what, head, code) => {
    expect(() => accept(head)).toThrow(expect.objectContaining({ code }));
  });

  it('refuses more than 256 headers', () => {
    const fields: Fields = [['Host', 'a'], ...Array.from({ length: 256 }, (_, at) => [`X-${at}`, ''] as const)];
    expect(() => accept(get('/', fields))).toThrow(expect.objectContaining({ code: 'request_head_too_large' }));
  });
});

describe('an accepted head', () => {
  it('finds its route; a preflight finds the route of the request that it asks about', () => {
    const fields: Fields = [
      ['Host', 'api.example'],
      ['Origin', 'https://page.example'],
      ['Access-Control-Request-Method', 'POST'],
    ];
    const preflight = { ...get('/v1/a', fields), method: 'OPTIONS' };
    expect(isPreflight(preflight)).toBe(true);
    expect(isPreflight(get('/v1/a', fields))).toBe(false);
    expect(matchRoute(accept(preflight))).toBe(PLAN.routes[0]);
    expect(matchRoute(accept(get('/v1/a')))).toBe(PLAN.routes[0]);
    expect(matchRoute(accept(get('/v2/a')))).toBeUndefined();
  });

  it('has a resource URL with the query, without a long query, and with the pattern for a very long path', () => {
    const [route] = PLAN.routes;
    if (route === undefined) throw new Error('no route');
    expect(resourceUrlOf(accept(get('/v1/a?b=c&d=%20')), route)).toBe('http://api.example/v1/a?b=c&d=%20');
    expect(resourceUrlOf(accept(get('/v1/a?')), route)).toBe('http://api.example/v1/a?');
    expect(resourceUrlOf(accept(get('/v1/a?b="<\\>')), route)).toBe('http://api.example/v1/a?b=%22%3C%5C%3E');
    expect(resourceUrlOf(accept(get(`/v1/a?${'b'.repeat(1024)}`)), route)).toBe('http://api.example/v1/a');
    expect(resourceUrlOf(accept(get(`/v1/${'a'.repeat(1024)}`)), route)).toBe('http://api.example/v1/*');
  });

  it('brings a payment exactly if it has the header of a protocol', () => {
    const paid: Fields = [
      ['Host', 'a'],
      ['Payment-Signature', 'x'],
    ];
    expect(broughtIn({ head: get('/', paid) }, protocols)).toBe(protocols[0]);
    expect(broughtIn({ head: get('/') }, protocols)).toBeUndefined();
  });
});

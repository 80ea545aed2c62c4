import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mergeFieldList, parseFieldList } from '../../../../src/proxy/field-list.ts';
import { type RelayContext, relayResponseHeaders, relayTrailers } from '../../../../src/proxy/headers/to-client.ts';
import { type ForwardContext, forwardRequestHeaders } from '../../../../src/proxy/headers/to-upstream.ts';
import { FIELDS } from '../../../support/payment-fields.ts';

const FORWARD: ForwardContext = {
  fields: FIELDS,
  peer: '192.0.2.1',
  peerTrusted: false,
  proto: 'http',
  host: 'api.example.com',
  requestId: 'r1',
  upstreamHeaders: [],
  paid: undefined,
  trace: undefined,
};
const PAID = { payer: '0xab', route: 'GET /v1/x', money: { network: 'eip155:8453', asset: '0xcd', amount: '10000' } };
const ADDED = ['X-Forwarded-For', '192.0.2.1', 'X-Forwarded-Proto', 'http', 'X-Forwarded-Host', 'api.example.com'];
const RELAY: RelayContext = { fields: FIELDS, method: 'GET', status: 200, httpVersionMinor: 1, paid: false, add: [] };

function forward(raw: string[], changes: Partial<ForwardContext> = {}): string[] {
  return forwardRequestHeaders(raw, { ...FORWARD, ...changes });
}

function relay(raw: string[], changes: Partial<RelayContext> = {}): string[] {
  return relayResponseHeaders(raw, { ...RELAY, ...changes });
}

describe('request headers', () => {
  it('keep order, case and repetition, with what the gateway knows after them', () => {
    const raw = ['Host', 'api.example.com', 'X-b', '1', 'cOOkie', 'a=b', 'x-B', '2', 'my_header', 'stays'];
    expect(forward(raw)).toEqual([...raw.slice(2), ...ADDED, 'X-Request-Id', 'r1']);
  });

  it("bring the trace of the gateway instead of the client's, or leave it alone where there is none", () => {
    const raw = ['traceparent', 'theirs', 'TraceState', 'a=1', 'X-b', '1', 'tracestate', 'b=2'];
    expect(forward(raw)).toEqual([...raw, ...ADDED, 'X-Request-Id', 'r1']);
    const ours = { traceparent: 'ours', tracestate: undefined };
    const added = [...ADDED, 'X-Request-Id', 'r1', 'traceparent', 'ours'];
    expect(forward(raw, { trace: ours })).toEqual(['X-b', '1', ...added]);
    expect(forward(raw, { trace: { ...ours, tracestate: 'c=3' } })).toEqual([
      'X-b',
      '1',
      ...added,
      'tracestate',
      'c=3',
    ]);
  });

  it.each([
    'Connection',
    'Keep-Alive',
    'Proxy-Connection',
    'Transfer-Encoding',
    'Upgrade',
    'Proxy-Authorization',
    'HTTP2-Settings',
    'PAYMENT-SIGNATURE',
    'X-PAYMENT',
    'Payment-Required',
    'Payment-Response',
    'Sign-In-With-X',
    'X402-Access-Token',
    'X402-Payer',
    'x402-anything',
    'x402_payer',
    'payment_signature',
    'x_payment',
    'transfer_encoding',
    'content_length',
    'Expect',
    'Trailer',
    'Proxy',
    'X-HTTP-Method-Override',
    'X-HTTP-Method',
    'X-Method-Override',
    'x_http_method_override',
    'X-Original-URL',
    'X-Rewrite-URL',
    'X-Request-Id',
    'x_request_id',
    'Forwarded',
    'X-Forwarded-For',
    'X-Forwarded-Prefix',
    'x_forwarded_for',
    'X-Real-IP',
    'True-Client-IP',
  ])('do not pass on %s', (name) => {
    expect(forward([name, 'forged'])).toEqual(forward([]));
  });

  it('lose the bearer token of the gateway and no other', () => {
    expect(forward(['Authorization', 'bEARER  tpk_abc'])).toEqual(forward([]));
    for (const value of ['Bearer eyJ', 'Basic dHBrXw==', 'tpk_abc', 'Bearer xtpk_']) {
      expect(forward(['Authorization', value]).slice(0, 2)).toEqual(['Authorization', value]);
    }
  });

  it('lose fields that Connection names, except those that the gateway adds or that frame the message', () => {
    const raw = [
      'Connection',
      'close, X-Private , X402-Payer,x-forwarded-for, content-length',
      'connection',
      'X-Second',
    ];
    const headers = forward([...raw, 'x-private', '1', 'X-SECOND', '2', 'Content-Length', '5'], { paid: PAID });
    expect(headers).toEqual([
      'Content-Length',
      '5',
      ...ADDED,
      'X-Request-Id',
      'r1',
      'X402-Payer',
      '0xab',
      'X402-Network',
      'eip155:8453',
      'X402-Asset',
      '0xcd',
      'X402-Amount',
      '10000',
      'X402-Route',
      'GET /v1/x',
    ]);
  });

  it('keep of TE only the wish for trailers', () => {
    expect(forward(['TE', 'gzip, Trailers', 'Connection', 'TE']).slice(0, 2)).toEqual(['TE', 'trailers']);
    expect(forward(['TE', 'gzip'])).toEqual(forward([]));
  });

  it('believe a trusted peer, add the peer to its list, and state the scheme and the host in use', () => {
    const raw = [
      'X-Forwarded-For',
      '203.0.113.9',
      'X-Forwarded-Proto',
      'https, http',
      'X-Forwarded-Host',
      'shop',
      'X-Forwarded-Host',
      'inner',
      'X-Real-IP',
      'a',
    ];
    const headers = forward([...raw, 'X-Forwarded-For', '203.0.113.10', 'x_forwarded_for', 'forged'], {
      peerTrusted: true,
      proto: 'https',
      host: 'shop',
    });
    expect(headers).toEqual([
      'X-Real-IP',
      'a',
      'X-Forwarded-For',
      '203.0.113.9, 203.0.113.10, 192.0.2.1',
      'X-Forwarded-Proto',
      'https',
      'X-Forwarded-Host',
      'shop',
      'X-Request-Id',
      'r1',
    ]);
  });

  it('are replaced by those of the configuration, with `_` for `-` too', () => {
    const headers = forward(['X-Api-Key', 'forged', 'x_api_key', 'forged'], {
      upstreamHeaders: [['x-api-key', 'real']],
    });
    expect(headers).toEqual([...ADDED, 'X-Request-Id', 'r1', 'x-api-key', 'real']);
  });

  it('carry a route name that is not ASCII in encoded form', () => {
    expect(forward([], { paid: { ...PAID, route: 'météo\r\nX: y' } }).at(-1)).toBe('m%C3%A9t%C3%A9o%0D%0AX%3A%20y');
  });

  it('never let any Connection header touch what was added', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(...ADDED, 'x-request-id', 'x402-payer', ',', ' ', 'a'), { maxLength: 9 }),
        (tokens) => {
          const headers = forward(['Connection', tokens.join(',')], { paid: PAID });
          expect(headers).toEqual(forward([], { paid: PAID }));
        },
      ),
    );
  });
});

describe('response headers of a free route', () => {
  it('stay exactly as they were', () => {
    const raw = [
      'dATE',
      'x',
      'Set-Cookie',
      'a',
      'set-cookie',
      'b',
      'Cache-Control',
      'public, s-maxage=9',
      'Surrogate-Control',
      'y',
    ];
    expect(relay(raw)).toEqual(raw);
  });

  it.each([
    'Connection',
    'Keep-Alive',
    'Transfer-Encoding',
    'Upgrade',
    'Proxy-Authenticate',
    'PAYMENT-REQUIRED',
    'PAYMENT-RESPONSE',
    'payment_response',
    'X-PAYMENT-RESPONSE',
    'X402-Access-Token',
    'x402_expires',
    'Settlement-Overrides',
    'PAYMENT-SETTLEMENT',
    'payment_settlement',
    'PAYMENT-CONTEXT',
    'EXTENSION-RESPONSES',
  ])('lose %s', (name) => {
    expect(relay([name, 'forged', 'A', 'b'])).toEqual(['A', 'b']);
  });

  it('lose what Connection nominates, except for the length', () => {
    expect(relay(['Connection', 'X-Hop, Content-Length', 'x-hop', '1', 'Content-Length', '5'])).toEqual([
      'Content-Length',
      '5',
    ]);
  });

  it('do not send clients to ports of the API', () => {
    expect(relay(['Alt-Svc', 'h3=":8443"; ma=86400', 'A', 'b'])).toEqual(['A', 'b']);
  });

  it('have a length or chunks, never both, and none on a 204', () => {
    expect(relay(['Content-Length', '5', 'Transfer-Encoding', 'chunked'])).toEqual([]);
    expect(relay(['Content-Length', '5'], { status: 204 })).toEqual([]);
    expect(relay(['Content-Length', '5'], { status: 304 })).toEqual(['Content-Length', '5']);
  });

  it('announce trailers only where there can be some', () => {
    const raw = ['Transfer-Encoding', 'chunked', 'Trailer', 'X-Sum'];
    expect(relay(raw)).toEqual(['Trailer', 'X-Sum']);
    expect(relay(raw, { method: 'HEAD' })).toEqual([]);
    expect(relay(raw, { httpVersionMinor: 0 })).toEqual([]);
    expect(relay(['Trailer', 'X-Sum', 'Content-Length', '5'])).toEqual(['Content-Length', '5']);
  });

  it.each(['a\r\nSet-Cookie: b', 'a\nb', 'a\0', 'a\u0100'])('refuse the value %j', (value) => {
    expect(() => relay(['A', value])).toThrow(expect.objectContaining({ code: 'upstream_invalid_answer' }));
    expect(() => relay([], { add: [['PAYMENT-RESPONSE', value]] })).toThrow();
  });
});

describe('response headers of a paid answer', () => {
  it.each([
    [[], 'private'],
    [['public, max-age=60, s-maxage=600'], 'private, max-age=60'],
    [['no-store'], 'private, no-store'],
    [['Private="set-cookie, b", PUBLIC', 'no-cache="a, public", S-MaxAge = 5'], 'private, no-cache="a, public"'],
  ])('turn Cache-Control %j into %j', (values, expected) => {
    const raw = values.flatMap((value) => ['Cache-Control', value]);
    const headers = relay(['A', 'b', ...raw, 'C', 'd'], { paid: true });
    expect(headers.filter((_, i) => headers[i - 1] === 'Cache-Control')).toEqual([expected]);
    expect(headers.slice(0, 2)).toEqual(['A', 'b']);
  });

  it('lose what would let a shared cache keep them', () => {
    const raw = [
      'Surrogate-Control',
      'a',
      'CDN-Cache-Control',
      'b',
      'Cache-Control',
      'c',
      'Vercel-CDN-Cache-Control',
      'd',
    ];
    expect(relay([...raw, 'X-Accel-Expires', '9', 'Z', 'z'], { paid: true }).slice(0, 4)).toEqual([
      'Cache-Control',
      'private, c',
      'Z',
      'z',
    ]);
  });

  it('merge Vary', () => {
    const vary = (raw: string[]) => relay(raw, { paid: true }).at(raw.length === 0 ? -1 : 1);
    expect(vary([])).toBe('PAYMENT-SIGNATURE, X-PAYMENT, Authorization');
    expect(vary(['Vary', 'Accept, authorization'])).toBe('Accept, authorization, PAYMENT-SIGNATURE, X-PAYMENT');
    expect(vary(['Vary', '*'])).toBe('*');
  });

  it('carry the receipt, which scripts can read when they can read the answer', () => {
    const add = [['PAYMENT-RESPONSE', 'r']] as const;
    expect(relay([], { add })).toEqual(['PAYMENT-RESPONSE', 'r']);
    const cors = ['Access-Control-Allow-Origin', 'https://a', 'access-control-expose-headers', 'ETag'];
    expect(relay(cors, { add })).toEqual([
      'Access-Control-Allow-Origin',
      'https://a',
      'access-control-expose-headers',
      'ETag, PAYMENT-RESPONSE',
      'PAYMENT-RESPONSE',
      'r',
    ]);
  });
});

describe('trailers', () => {
  it('pass, without framing, forged receipts and line breaks', () => {
    const raw = [
      'X-Sum',
      '1',
      'Content-Length',
      '5',
      'PAYMENT-RESPONSE',
      'f',
      'x402_payer',
      'f',
      'Set-Cookie',
      'a',
      'X',
      'a\nb',
    ];
    expect(relayTrailers(raw, FIELDS)).toEqual([['X-Sum', '1']]);
    const amounts = ['Settlement-Overrides', 'PAYMENT-SETTLEMENT', 'payment_settlement', 'PAYMENT-CONTEXT'];
    expect(
      relayTrailers(
        amounts.flatMap((name) => [name, 'forged']),
        FIELDS,
      ),
    ).toEqual([]);
  });
});

describe('a field list', () => {
  it('is split at commas outside quotes', () => {
    expect(parseFieldList(' a ,, b="c, \\", d" , e')).toEqual(['a', 'b="c, \\", d"', 'e']);
    expect(parseFieldList('a, "open')).toEqual(['a', '"open']);
  });

  it('contains everything that was merged into it, once', () => {
    const token = fc.stringMatching(/^[A-Za-z-]{1,8}$/);
    fc.assert(
      fc.property(fc.array(token), fc.uniqueArray(token, { selector: (t) => t.toLowerCase() }), (value, additions) => {
        const merged = parseFieldList(mergeFieldList(value.join(', '), additions)).map((member) =>
          member.toLowerCase(),
        );
        for (const addition of additions) expect(merged).toContain(addition.toLowerCase());
        expect(mergeFieldList(merged.join(', '), additions)).toBe(merged.join(', '));
      }),
    );
  });
});

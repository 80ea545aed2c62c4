import { describe, expect, it } from 'vitest';
import { differenceOf, fixedKeysChanged, renderChange } from '../../../src/config/difference.ts';
import { planOf, problemsOf, route, warningsOf } from '../../support/config/load.ts';

function withTracing(keys: string): string {
  return `tracing: { ${keys} }\n${route('price: free')}`;
}

describe('tracing', () => {
  it('is off where the file says nothing', () => {
    expect(planOf(route('price: free')).tracing).toBeUndefined();
  });

  it('needs nothing but the base URL of the receiver', () => {
    expect(planOf(withTracing('endpoint: http://otel-collector:4318')).tracing).toEqual({
      url: 'http://otel-collector:4318/v1/traces',
      headers: [],
      sample: 1,
      serviceName: 'turnpike',
    });
  });

  it('takes a base path, headers, a share and a name', () => {
    const keys = `endpoint: "\${OTEL_EXPORTER_OTLP_ENDPOINT}", headers: { X-Key: secret }, sample: 12.5%, serviceName: tollgate`;
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: 'https://otlp.example/base/' };
    expect(planOf(withTracing(keys), { env }).tracing).toEqual({
      url: 'https://otlp.example/base/v1/traces',
      headers: [['x-key', 'secret']],
      sample: 0.125,
      serviceName: 'tollgate',
    });
  });

  it.each(['10', '"10"', '101%', '-1%', '0.5', '.5%', '1e1%', '100.5%'])('refuses %s as a share', (sample) => {
    expect(problemsOf(withTracing(`endpoint: http://a:4318, sample: ${sample}`)).join()).toContain('tracing.sample');
  });

  it('suggests the right URL when it already ends in the path of traces', () => {
    const [problem] = problemsOf(withTracing('endpoint: http://a:4318/v1/traces'));
    expect(problem).toContain('tracing.endpoint: /v1/traces is put after the URL');
    expect(problem).toContain('http://a:4318');
  });

  it('warns of headers that go over the network without TLS', () => {
    const headers = 'headers: { authorization: Bearer x }';
    expect(warningsOf(withTracing(`endpoint: http://otel-collector:4318, ${headers}`))).toHaveLength(1);
    expect(warningsOf(withTracing(`endpoint: http://127.0.0.1:4318, ${headers}`))).toEqual([]);
    expect(warningsOf(withTracing(`endpoint: https://otel-collector:4318, ${headers}`))).toEqual([]);
    expect(warningsOf(withTracing('endpoint: http://otel-collector:4318'))).toEqual([]);
  });

  it('changes with a restart only, and is shown without its headers', () => {
    const old = planOf(withTracing('endpoint: https://a:4318, headers: { authorization: first }'));
    const next = planOf(withTracing('endpoint: https://b:4318, headers: { authorization: second }, sample: 10%'));
    expect(fixedKeysChanged(old, next)).toEqual(['tracing']);
    expect(differenceOf(old, next).map(renderChange)).toEqual([
      '~ tracing: 100% to https://a:4318 as turnpike → 10% to https://b:4318 as turnpike',
    ]);
  });
});

import { afterEach, describe, expect, it } from 'vitest';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { startUpstream, type TestUpstream } from '../support/upstream.ts';

const open: (TestGateway | TestUpstream)[] = [];
afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.close();
});

/** What the log says of unknown proxies after two requests with these headers. */
async function told(settings: string, headers: Record<string, string>): Promise<readonly unknown[]> {
  const upstream = await startUpstream();
  open.push(upstream);
  const gateway = await startTestGateway(
    `upstream: ${upstream.url}\nstore: memory\n${settings}routes: [{ path: /*, price: free }]\n`,
  );
  open.push(gateway);
  for (const path of ['/a', '/b']) await (await fetch(gateway.url + path, { headers })).text();
  return gateway.log.filter(({ msg }) => String(msg).includes('trustedProxies')).map(({ peer }) => peer);
}

describe('a proxy in front that is none of trustedProxies', () => {
  it.each([
    { 'X-Forwarded-For': '203.0.113.9' },
    { Forwarded: 'for=203.0.113.9' },
  ])('is told of once in the log: %j', async (headers) => {
    expect(await told('', headers)).toEqual(['127.0.0.1']);
  });

  it('is not told of where it is one of them, or forwards nothing', async () => {
    expect(await told('trustedProxies: [127.0.0.0/8]\n', { 'X-Forwarded-For': '203.0.113.9' })).toEqual([]);
    expect(await told('', {})).toEqual([]);
  });
});

import type { RateSuite } from '../suite.ts';

/** What a request costs that the gateway only forwards. */
export const free: RateSuite = {
  kind: 'rates',
  title: 'a free route',
  unit: 'requests',
  async open(bench) {
    const { upstreamUrl } = bench.world;
    const gateway = await bench.gateway({ routes: '  - { path: /v1/weather/:city, price: free }\n' });
    const undici = await bench.system('undici-proxy', [upstreamUrl]);
    const httpxy = await bench.system('httpxy-proxy', [upstreamUrl]);
    const nginx = await bench.nginxProxy();
    const side = (name: string, origin: string) => bench.side(name, `${origin}/v1/weather/oslo`);
    return {
      subject: side('gateway', gateway),
      partners: [
        { ...side('bare undici dispatcher', undici.url), target: 0.85 },
        { ...side('bare http-proxy (httpxy)', httpxy.url), target: 1.8 },
        ...(nginx === undefined ? [] : [{ ...side('nginx, one worker', nginx), target: 0.22 }]),
        side('direct connection', upstreamUrl),
      ],
    };
  },
};

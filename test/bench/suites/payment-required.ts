import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { probe } from '../answer.ts';
import type { RateSuite } from '../suite.ts';

/** Headers that node:http writes by itself. */
const OWN_OF_NODE = new Set(['date', 'connection', 'keep-alive']);

/** What a 402 costs: it is asked for far more often than paid. */
export const paymentRequired: RateSuite = {
  kind: 'rates',
  title: 'a 402',
  unit: 'requests',
  async open(bench) {
    const { upstreamUrl } = bench.world;
    const gateway = await bench.gateway({
      routes: '  - { path: /v1/weather/:city, price: $0.001, description: Weather }\n',
    });
    const url = `${gateway}/v1/weather/oslo`;
    const fixed = await bench.system('fixed-answer', await copyOf(url));
    const undici = await bench.system('undici-proxy', [upstreamUrl]);
    const scaleOnly = async () => undefined;
    return {
      subject: bench.side('gateway', url, 402, () => probe(url)),
      partners: [
        { ...bench.side('node:http, same bytes', fixed.url, 402, () => probe(fixed.url)), target: 0.8 },
        bench.side('bare undici dispatcher, forwarding', undici.url, 200, scaleOnly),
        bench.side('direct connection', upstreamUrl, 200, scaleOnly),
      ],
    };
  },
};

/** The arguments that make `fixed-answer` say what a URL says. */
async function copyOf(url: string): Promise<[string, string, string]> {
  const [response]: IncomingMessage[] = await once(get(url, { agent: false }), 'response');
  if (response === undefined) throw new Error(`${url} gave no answer`);
  const body = await text(response);
  const headers = response.rawHeaders.filter((_, i, all) => !OWN_OF_NODE.has(all[i - (i % 2)]?.toLowerCase() ?? ''));
  return [String(response.statusCode), JSON.stringify(headers), body];
}

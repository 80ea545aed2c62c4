import { openPaymentSigner, payerFor } from '../payment-signer.ts';
import type { RateSuite } from '../suite.ts';
import type { Workbench } from '../workbench.ts';

/** Each of two workers has half of the calls, and compiles for twice as long. */
const WARM_UP_SECONDS = 20;
/** Long ago, in seconds. */
const RUN_OUT = -3600;

/**
 * What a second worker adds, on a machine with two cores, which the load has to share with them: a request that costs
 * the gateway a lot and the load generator little, and that asks nobody else. It brings a payment that ran out: its
 * signature is checked, the ledger is asked whether it bought something in its time, and it is refused.
 */
export const workers: RateSuite = {
  kind: 'rates',
  title: 'a refused payment, by the command with two workers',
  unit: 'requests',
  async open(bench) {
    const one = await start(bench, 1);
    const two = await start(bench, 2);
    const pay = await payerFor(one, await openPaymentSigner(RUN_OUT));
    const [payment = ''] = pay(1);
    const side = (name: string, url: string) =>
      bench.sideWith(name, url, { headers: { 'PAYMENT-SIGNATURE': payment }, status: 402 });
    return {
      subject: side('gateway, two workers', two),
      partners: [{ ...side('gateway, one worker', one), target: 1.4 }],
      warmUpSeconds: WARM_UP_SECONDS,
    };
  },
};

async function start(bench: Workbench, count: number): Promise<string> {
  const { command } = await bench.command({
    routes: '  - { path: /v1/weather/:city, price: $0.001, description: Weather }\n',
    // Both name the same resource, so that one payment is made for both.
    keys: `workers: ${count}\npublicUrl: https://api.example.com\n`,
    store: 'sqlite',
  });
  return `${command.url}/v1/weather/oslo`;
}

import { buy } from './buyer.ts';
import { UNANSWERED_PATH } from './troubled-facilitator.ts';
import type { World } from './world.ts';

/**
 * The paths that the demo's customers buy: plain calls, a pass and a call on it, a stream, a resource that the API does
 * not have, and a payment that a facilitator refuses to settle.
 */
const PATHS = [
  '/v1/weather/oslo',
  '/v1/weather/nairobi',
  '/v1/reports/climate',
  '/v1/weather/quito',
  '/v1/weather/atlantis',
  '/v1/stream',
  '/v1/archive/2001',
];

/**
 * Has a few things bought at once, so that the admin page has something to show. The API has no Atlantis: that payment is
 * released. The payments for the archive go to a facilitator in trouble: one fails, and one is in doubt for as long as the
 * demo runs.
 */
export async function bringCustomers(world: World): Promise<void> {
  // The answer comes when the gateway stops waiting; the demo does not wait for that.
  buy(`${world.gateway.url}${UNANSWERED_PATH}`, world.devnet.accounts.buyer).catch(() => undefined);
  await Promise.all(PATHS.map((path) => buyAndReturn(world, path)));
}

/** Buys a thing; with a pass that came with it, the thing is fetched once more. */
async function buyAndReturn({ gateway, devnet }: World, path: string): Promise<void> {
  const url = `${gateway.url}${path}`;
  const { exchanges } = await buy(url, devnet.accounts.buyer);
  const token = exchanges.at(-1)?.received.get('x402-access-token');
  if (token != null) await fetch(url, { headers: { 'X402-Access-Token': token } });
}

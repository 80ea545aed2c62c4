import { buy } from './buyer.ts';
import type { World } from './world.ts';

/** What the demo's customers ask for: plain calls, a pass and two calls on it, a stream, and what the API does not have. */
const PATHS = [
  '/v1/weather/oslo',
  '/v1/weather/nairobi',
  '/v1/reports/climate',
  '/v1/weather/quito',
  '/v1/weather/atlantis',
  '/v1/stream',
];

/**
 * Has a few things bought, so that the admin page has something to show. That the API has no Atlantis costs nobody
 * anything: that payment is released.
 */
export async function bringCustomers({ gateway, devnet }: World): Promise<void> {
  for (const path of PATHS) {
    const { exchanges } = await buy(`${gateway.url}${path}`, devnet.accounts.buyer);
    const token = exchanges.at(-1)?.received.get('x402-access-token');
    if (token != null) await fetch(`${gateway.url}${path}`, { headers: { 'X402-Access-Token': token } });
  }
}

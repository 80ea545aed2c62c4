import { expect, it } from 'vitest';
import { createMetrics } from '../../../src/observe/metrics.ts';

it('the metrics of waiting events disappear while events cannot be counted, and come back', async () => {
  const metrics = createMetrics();
  const shown = async (): Promise<readonly string[]> =>
    (await metrics.render()).body.split('\n').filter((line) => line.startsWith('turnpike_webhooks_waiting'));
  metrics.setWaitingEvents({ count: 3, oldestAt: 10_000 }, 12_000);
  expect(await shown()).toEqual(['turnpike_webhooks_waiting 3', 'turnpike_webhooks_waiting_age_seconds 2']);
  metrics.setWaitingEvents(undefined, 13_000);
  expect(await shown()).toEqual([]);
  metrics.setWaitingEvents({ count: 0, oldestAt: undefined }, 14_000);
  expect(await shown()).toEqual(['turnpike_webhooks_waiting 0', 'turnpike_webhooks_waiting_age_seconds 0']);
});

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { GatewayError } from '../../../src/domain/gateway-error.ts';
import { askPatiently } from '../../../src/server/ask-patiently.ts';

const away = (): GatewayError =>
  new GatewayError('store_unavailable', { cause: new Error('the connection timed out') });

describe('what a start asks of the ledger', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['performance'] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('is asked again when the ledger does not answer now', async () => {
    let asked = 0;
    const answer = await askPatiently(async () => {
      asked += 1;
      if (asked < 3) throw away();
      return asked;
    }).catch((fault: unknown) => fault);
    expect(answer).toBe(3);
  });

  it('fails with the ledger after ten seconds', async () => {
    const began = performance.now();
    let asked = 0;
    const fault = await askPatiently(async () => {
      asked += 1;
      vi.advanceTimersByTime(2000);
      throw away();
    }).catch((reason: unknown) => reason);
    expect(fault).toMatchObject({ code: 'store_unavailable' });
    expect(asked).toBe(5);
    expect(performance.now() - began).toBeGreaterThanOrEqual(10_000);
  });

  it('fails at once with what no waiting mends', async () => {
    let asked = 0;
    const ask = async (): Promise<never> => {
      asked += 1;
      throw new GatewayError('internal_error');
    };
    await expect(askPatiently(ask)).rejects.toMatchObject({ code: 'internal_error' });
    expect(asked).toBe(1);
  });
});

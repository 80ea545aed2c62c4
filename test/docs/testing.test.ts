import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { PAYMENT_DEFENCES } from '../security/defences/of-payments.ts';
import { REQUEST_DEFENCES } from '../security/defences/of-requests.ts';

/** What `npm run defences` takes out; that takes minutes, and this shows at once when a defence has moved. */
describe('the list of defences', () => {
  it.each(
    [...REQUEST_DEFENCES, ...PAYMENT_DEFENCES].map(({ source, text }) => [source, text] as const),
  )('finds in src/%s exactly once: %s', (source, text) => {
    const whole = readFileSync(new URL(`../../src/${source}`, import.meta.url), 'utf8');
    expect(whole.split(text)).toHaveLength(2);
  });
});

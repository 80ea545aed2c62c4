import type { StatusRange } from '../domain/charge-rule.ts';
import { LOG_LEVELS, type LogRules } from '../domain/log-rules.ts';
import type { Parsed } from '../domain/price.ts';
import { complete, type Decoder, map } from './decoder.ts';
import { list, valuesOf } from './forms.ts';
import { text, word } from './text.ts';
import { share } from './tracing-keys.ts';

const STATUS_RIGHT = 'a status such as 402, or a class such as 4xx';

const status: Decoder<StatusRange> = text({
  expects: STATUS_RIGHT,
  pattern: '[1-5](?:xx|\\d\\d)',
  schema: { type: ['string', 'integer'] },
  bare: true,
  parse: (given): Parsed<StatusRange> => {
    if (!/^[1-5](?:xx|\d\d)$/.test(given)) {
      return { ok: false, wrong: `${JSON.stringify(given)} is no status`, right: STATUS_RIGHT };
    }
    const from = Number(given.replace('xx', '00'));
    return { ok: true, value: { from, to: given.endsWith('xx') ? from + 99 : from } };
  },
});

/** The log of a file that does not say. */
export const DEFAULT_LOG: Omit<LogRules, 'clientAddress'> = { level: 'info', sample: 1, skip: [] };

/** The keys of `log`. */
const logKeys = map('a map such as {level: warn}', {
  level: {
    decoder: word(LOG_LEVELS),
    default: 'info',
    description: 'Lowest level written. Requests are `info`, from status 500 on `error`.',
  },
  sample: {
    decoder: share,
    default: '100%',
    description: 'Share of requests written; status 500 and above always.',
    examples: ['10%'],
  },
  skip: {
    decoder: list(status, 'a list such as [402, 304]'),
    description: 'Statuses whose requests are not written.',
    examples: [[402], ['3xx', 402]],
  },
});

/** What is logged, and what not. */
export const logRules: Decoder<Omit<LogRules, 'clientAddress'>> = complete(logKeys, ({ level, sample, skip }) => ({
  level: level ?? DEFAULT_LOG.level,
  sample: sample ?? DEFAULT_LOG.sample,
  skip: valuesOf(skip ?? []),
}));

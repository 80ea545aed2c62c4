import { BUILDER_CODE_FORM, type BuilderCode, MOST_SERVICES } from '../domain/builder-code.ts';
import type { Parsed } from '../domain/price.ts';
import { complete, type Decoder, map } from './decoder.ts';
import { byKind, list, valuesOf } from './forms.ts';
import { text } from './text.ts';

const CODE_RIGHT = 'a code such as my_app: up to 32 of a-z, 0-9 and _';
const CODE = new RegExp(`^${BUILDER_CODE_FORM}$`);

function parseCode(given: string): Parsed<string> {
  if (CODE.test(given)) return { ok: true, value: given };
  return { ok: false, wrong: `${JSON.stringify(given.slice(0, 64))} is not a builder code`, right: CODE_RIGHT };
}

const code = text({ expects: CODE_RIGHT, pattern: BUILDER_CODE_FORM, parse: parseCode });

/** The keys of `builderCode`. */
export const builderCodeKeys = map('a map with app and services', {
  app: { decoder: code, required: true, description: 'The code of the application that is paid.' },
  services: {
    decoder: list(code, 'a list such as [my_service]', 1),
    description: `Codes of services that take part in it: up to ${MOST_SERVICES}.`,
  },
});

/** The codes that settlements are attributed to; `'off'` for none. */
export const builderCode: Decoder<BuilderCode | 'off'> = byKind<BuilderCode | 'off'>(
  'a code such as my_app, a map with app and services, or off',
  {
    scalar: text({
      expects: CODE_RIGHT,
      pattern: BUILDER_CODE_FORM,
      parse: (given): Parsed<BuilderCode | 'off'> => {
        if (given === 'off') return { ok: true, value: 'off' };
        const parsed = parseCode(given);
        return parsed.ok ? { ok: true, value: { app: parsed.value, services: [] } } : parsed;
      },
    }),
    map: complete(builderCodeKeys, ({ app, services = [] }, place, source): BuilderCode | undefined => {
      if (services.length <= MOST_SERVICES) return { app, services: valuesOf(services) };
      source.report(place, `there are ${services.length} services`, `up to ${MOST_SERVICES}`);
      return undefined;
    }),
  },
);

import type { Explanation } from './answers.ts';
import { ApiFault, post } from './api.ts';
import { h, outside } from './dom.ts';
import { facts, section } from './table.ts';
import type { View } from './view.ts';

/** A form that explains what the gateway would do with a request. */
export const explain: View = {
  title: 'Explain',
  async show() {
    const result = h('div', { 'aria-live': 'polite' });
    const area = (name: string, label: string, rows: string): HTMLElement =>
      h(
        'div',
        { class: 'field wide' },
        h('label', { for: name }, label),
        h('textarea', { id: name, name, rows, spellcheck: 'false' }),
      );
    const methods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS'].map((value) =>
      h('option', { value }, value),
    );
    const form = h(
      'form',
      {
        class: 'card search',
        submit: (event) => {
          event.preventDefault();
          void show(result, new FormData(event.currentTarget as HTMLFormElement));
        },
      },
      h(
        'p',
        { class: 'wide' },
        'Which route would take a request, what it would cost, where it would go, and why. Nothing is sent.',
      ),
      h(
        'div',
        { class: 'field short' },
        h('label', { for: 'method' }, 'Method'),
        h('select', { id: 'method', name: 'method' }, ...methods),
      ),
      h(
        'div',
        { class: 'field' },
        h('label', { for: 'url' }, 'URL or path'),
        h('input', { id: 'url', name: 'url', required: true, value: '/', spellcheck: 'false' }),
      ),
      area('headers', 'Headers, one a line', '2'),
      area('body', 'Body', '2'),
      h('button', { type: 'submit', class: 'primary' }, 'Explain'),
    );
    return [form, result];
  },
};

async function show(result: HTMLElement, given: FormData): Promise<void> {
  const text = (name: string): string => String(given.get(name) ?? '').replaceAll('\r', '');
  try {
    const told = await post<Explanation>('explain', {
      method: text('method'),
      url: text('url'),
      headers: text('headers'),
      body: text('body'),
    });
    result.replaceChildren(section('What would happen', described(told)));
  } catch (fault) {
    result.replaceChildren(h('p', { class: 'note bad' }, fault instanceof ApiFault ? fault.message : 'That failed.'));
  }
}

function described({ kind, status, code, why, path, answer, route, fits, destination }: Explanation): HTMLElement {
  const reasons = typeof why === 'string' ? [why] : (why ?? []);
  const lines = (texts: readonly string[]): HTMLElement | undefined =>
    texts.length === 0 ? undefined : h('span', {}, ...texts.map((text) => h('span', { class: 'line' }, outside(text))));
  const price = fits?.price ?? route?.price;
  return facts([
    ['Answer', answer === undefined ? `${status} ${code}` : outside(answer)],
    ['Route', kind === 'unmatched' ? 'none matches' : route && outside(route.name)],
    ['Why', lines(reasons)],
    ['Path', path === undefined ? undefined : h('code', {}, outside(path))],
    ['Price', price === undefined ? undefined : outside(price)],
    ['Which price', fits && outside(`${fits.when ?? ''} (${fits.id})`)],
    ['Goes to', destination && h('code', {}, outside(destination.url))],
    ['Headers added', destination && lines(destination.headersAdded)],
    ['Headers removed', destination && lines(destination.headersRemoved)],
  ]);
}

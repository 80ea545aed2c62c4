import type { Pass, PassPage, UnreadablePass } from './answers.ts';
import { ApiFault, post, read } from './api.ts';
import { ask } from './dialog.ts';
import { h, outside, shortened } from './dom.ts';
import { countText, stateText, timeText } from './format.ts';
import { NONE, section, table } from './table.ts';
import { unreadableTable } from './unreadable.ts';
import type { View, ViewContext } from './view.ts';

/** The passes that were sold. */
export const passes: View = {
  title: 'Passes',
  async show(context: ViewContext) {
    const list = h('div', {});
    await showMore(list, undefined, context);
    return [section('Latest first', list)];
  },
};

async function showMore(list: HTMLElement, after: string | undefined, context: ViewContext): Promise<void> {
  const page = await read<PassPage>('passes', { after });
  const isNone = page.passes.length === 0 && page.unreadable.length > 0;
  if (!isNone) list.append(passTable(page.passes, context));
  list.append(...unreadablePasses(page.unreadable));
  const { next } = page;
  if (next === null) return;
  const button = h(
    'button',
    {
      click: () => {
        button.remove();
        showMore(list, next, context).catch(() => context.say('The passes cannot be read.'));
      },
    },
    'Show more',
  );
  list.append(button);
}

function passTable(rows: readonly Pass[], context: ViewContext): HTMLElement {
  const columns = [
    { title: 'Issued (UTC)', cell: ({ issuedAt }: Pass) => timeText(issuedAt) },
    { title: 'Opens', cell: ({ scope }: Pass) => outside(scope) },
    { title: 'Payer', cell: ({ payer }: Pass) => shortened(payer) },
    { title: 'Requests left', cell: leftOf, figure: true as const },
    { title: 'Until (UTC)', cell: ({ expiresAt }: Pass) => timeText(expiresAt) },
    {
      title: 'State',
      cell: ({ state }: Pass) => h('span', { class: `state ${state === 'good' ? 'good' : ''}` }, stateText(state)),
    },
    { title: 'Id', cell: ({ id }: Pass) => shortened(id) },
  ];
  const action = {
    title: 'Action',
    cell: (pass: Pass) => (pass.state === 'good' ? revokeButton(pass, context) : NONE),
  };
  return table<Pass>('Passes', context.status.actions ? [...columns, action] : columns, rows, 'No pass was sold yet.');
}

/** The damaged passes of a list; empty where there are none. */
function unreadablePasses(rows: readonly UnreadablePass[]): readonly HTMLElement[] {
  return unreadableTable(['pass', 'passes'], rows, [
    { title: 'Issued (UTC)', cell: ({ issuedAt }) => timeText(issuedAt) },
    { title: 'Id', cell: ({ id }) => outside(id) },
  ]);
}

/** Requests left: those lent to a process are not spent yet. */
function leftOf({ bought, available, lent }: Pass): string {
  return bought === null ? 'any number' : `${countText((available ?? 0) + (lent ?? 0))} of ${countText(bought)}`;
}

function revokeButton(pass: Pass, context: ViewContext): HTMLElement {
  return h('button', { click: () => void revoke(pass, context), 'aria-label': `Revoke the pass ${pass.id}` }, 'Revoke');
}

async function revoke({ id, scope, payer }: Pass, { refresh, say }: ViewContext): Promise<void> {
  const text = `The pass of ${payer} for ${scope} ends for good, on every replica within five seconds. What was paid is not given back.`;
  if ((await ask({ title: 'Revoke this pass?', text, action: 'Revoke it' })) === undefined) return;
  try {
    await post('passes/revoke', { id });
    await refresh();
    say('The pass is revoked.');
  } catch (fault) {
    say(fault instanceof ApiFault ? fault.message : 'That failed.');
  }
}

import type { Check, Configuration, Facilitators } from './answers.ts';
import { ApiFault, post, read } from './api.ts';
import { h, outside } from './dom.ts';
import { countText, stateText, timeText } from './format.ts';
import { facts, NONE, section, table } from './table.ts';
import type { View, ViewContext } from './view.ts';

/** The gateway's health checks, facilitators and configuration. */
export const gateway: View = {
  title: 'Gateway',
  everyMs: 10_000,
  async show({ status, refresh, say }: ViewContext) {
    const [configuration, money, { checks }] = await Promise.all([
      read<Configuration>('configuration'),
      read<Facilitators>('facilitators'),
      read<{ readonly checks: readonly Check[] }>('status'),
    ]);
    const button = h('button', { click: () => void reload(refresh, say) }, 'Read the file now');
    return [
      section('Health', checkTable(checks)),
      section('Facilitators', ...facilitatorParts(money)),
      section(
        'Configuration',
        facts([
          ['Now', configuration.detail === null ? undefined : outside(configuration.detail)],
          ['Store', status.store],
          ['Workers', String(status.workers)],
        ]),
        status.actions && status.reloads ? h('p', { class: 'buttons' }, button) : undefined,
        historyTable(configuration.history),
      ),
    ];
  },
};

function checkTable(checks: readonly Check[]): HTMLElement {
  return table<Check>(
    'Checks',
    [
      { title: 'Check', cell: ({ name }) => outside(name) },
      {
        title: 'State',
        cell: ({ ready }) => h('span', { class: `state ${ready ? 'good' : 'bad'}` }, ready ? 'fine' : 'in trouble'),
      },
      { title: 'Detail', cell: ({ detail }) => (detail === undefined ? NONE : outside(detail)) },
    ],
    checks,
    'Nothing is checked.',
  );
}

function facilitatorParts({ facilitators }: Facilitators): readonly HTMLElement[] {
  if (facilitators.length === 0) return [h('p', { class: 'none' }, 'None: nothing is priced.')];
  return facilitators.map(({ name, kind, networks, calls }) =>
    h(
      'div',
      {},
      h(
        'h3',
        {},
        outside(name),
        h('span', { class: 'small' }, ` ${kind}${networks === null ? '' : `, ${networks.join(', ')}`}`),
      ),
      table(
        `What was asked of ${name}`,
        [
          { title: 'Asked', cell: ({ operation }: (typeof calls)[number]) => outside(operation) },
          { title: 'Answer', cell: ({ outcome }) => outside(stateText(outcome)) },
          { title: 'Times', cell: ({ count }) => countText(count), figure: true },
        ],
        calls,
        'Nothing was asked yet.',
      ),
    ),
  );
}

function historyTable(history: Configuration['history']): HTMLElement {
  const lines = (texts: readonly string[]): HTMLElement =>
    h('span', {}, ...texts.map((text) => h('span', { class: 'line' }, outside(text))));
  return table(
    'Reloads',
    [
      { title: 'Time (UTC)', cell: ({ at }: Configuration['history'][number]) => timeText(at) },
      {
        title: 'Outcome',
        cell: ({ outcome }) => h('span', { class: `state ${outcome === 'refused' ? 'bad' : 'good'}` }, outcome),
      },
      {
        title: 'What',
        cell: ({ changes, notes }) => (changes.length + notes.length === 0 ? NONE : lines([...changes, ...notes])),
      },
    ],
    history,
    'No file is followed.',
  );
}

async function reload(refresh: ViewContext['refresh'], say: ViewContext['say']): Promise<void> {
  try {
    const { outcome } = await post<{ readonly outcome: string }>('reload', {});
    await refresh();
    say(`The file was read: ${outcome}.`);
  } catch (fault) {
    say(fault instanceof ApiFault ? fault.message : 'That failed.');
  }
}

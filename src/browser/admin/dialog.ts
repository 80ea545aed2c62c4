import { h } from './dom.ts';

/** A question before an action. */
export interface Question {
  readonly title: string;
  readonly text: string;
  readonly action: string;
  /** Label of a required text. */
  readonly note?: string;
}

/** Asks before an action. Resolves with the note, or an empty text where none is asked for; `undefined` when cancelled. */
export function ask({ title, text, action, note }: Question): Promise<string | undefined> {
  return new Promise((resolve) => {
    const field = h('textarea', { id: 'note', required: true, maxlength: '1000', rows: '3' }) as HTMLTextAreaElement;
    const dialog = h('dialog', { 'aria-labelledby': 'question' }) as HTMLDialogElement;
    const form = h(
      'form',
      {
        submit: (event) => {
          event.preventDefault();
          answer(note === undefined ? '' : field.value.trim());
        },
      },
      h('h2', { id: 'question' }, title),
      h('p', {}, text),
      ...(note === undefined ? [] : [h('label', { for: 'note' }, note), field]),
      h(
        'p',
        { class: 'buttons' },
        h('button', { type: 'button', click: () => answer(undefined) }, 'Cancel'),
        h('button', { type: 'submit', class: 'primary' }, action),
      ),
    );
    const answer = (given: string | undefined): void => {
      if (given === '' && note !== undefined) return;
      dialog.remove();
      resolve(given);
    };
    dialog.addEventListener('cancel', () => answer(undefined));
    dialog.append(form);
    document.body.append(dialog);
    dialog.showModal();
  });
}

import type { Status } from './answers.ts';
import { ApiFault, hasToken, keepToken, read } from './api.ts';
import { h } from './dom.ts';
import { doubt } from './doubt.ts';
import { explain } from './explain.ts';
import { gateway } from './gateway.ts';
import { overview } from './overview.ts';
import { passes } from './passes.ts';
import { payment } from './payment.ts';
import { payments } from './payments.ts';
import { prices } from './prices.ts';
import type { View } from './view.ts';

const VIEWS: ReadonlyMap<string, View> = new Map([
  ['overview', overview],
  ['payments', payments],
  ['doubt', doubt],
  ['passes', passes],
  ['prices', prices],
  ['gateway', gateway],
  ['explain', explain],
  ['payment', payment],
]);

const nav = h('nav', { 'aria-label': 'Views' });
const heading = h('h1', { tabindex: '-1' });
const content = h('div', { id: 'content' });
const message = h('p', { id: 'message', role: 'status', 'aria-live': 'polite' });
const trouble = h('p', { id: 'trouble', role: 'alert', class: 'note bad' });
const leave = h('button', { class: 'quiet leave', click: signOut }, 'Sign out');
const main = h('main', { id: 'main' }, heading, message, trouble, content);
const header = h('header', {}, h('a', { class: 'brand', href: '#/overview' }, 'Turnpike'), nav, leave);

/** Counts openings: an answer for an earlier opening is dropped. */
let opening = 0;
let timer: ReturnType<typeof setTimeout> | undefined;

document
  .getElementById('app')
  ?.append(h('a', { class: 'skip', href: '#main', click: skip }, 'Skip to the content'), header, main);
window.addEventListener('hashchange', () => void open(true));
document.addEventListener('visibilitychange', () => {
  if (document.visibilityState === 'visible' && !isBusy()) void open(false);
});
void open(false);

/** Shows the view that the address names. */
async function open(isNew: boolean): Promise<void> {
  clearTimeout(timer);
  opening += 1;
  const own = opening;
  const [name = 'overview', query = ''] = location.hash.replace(/^#\/?/, '').split(/\?(.*)/s, 2);
  const view = VIEWS.get(name) ?? overview;
  showNav(VIEWS.has(name) ? name : 'overview');
  heading.textContent = view.title;
  document.title = `${view.title} · Turnpike`;
  if (isNew) {
    message.textContent = '';
    heading.focus();
  }
  try {
    const status = await read<Status>('status');
    const say = (text: string): void => {
      message.textContent = text;
    };
    const parts = await view.show({ status, query: new URLSearchParams(query), refresh: () => open(false), say });
    if (own !== opening) return;
    header.hidden = false;
    leave.hidden = !hasToken();
    trouble.textContent = '';
    content.replaceChildren(...parts);
    if (view.everyMs !== undefined) refreshAfter(view.everyMs);
  } catch (fault) {
    if (own !== opening) return;
    if (fault instanceof ApiFault && fault.code === 'token_required') showSignIn();
    else {
      trouble.textContent = fault instanceof Error ? fault.message : 'This cannot be shown.';
      refreshAfter(10_000);
    }
  }
}

/** Refreshes the view later. It waits while the page is hidden or in use. */
function refreshAfter(ms: number): void {
  timer = setTimeout(() => {
    if (document.visibilityState !== 'visible' || isBusy()) refreshAfter(ms);
    else void open(false);
  }, ms);
}

function isBusy(): boolean {
  const active = document.activeElement;
  return document.querySelector('dialog, details[open]') !== null || (active !== null && content.contains(active));
}

function showNav(current: string): void {
  const links = [...VIEWS]
    .filter(([name]) => name !== 'payment')
    .map(([name, { title }]) => {
      const isHere = name === current || (name === 'payments' && current === 'payment');
      return h('a', { href: `#/${name}`, 'aria-current': isHere ? 'page' : undefined }, title);
    });
  nav.replaceChildren(...links);
}

function showSignIn(): void {
  const wasRefused = hasToken();
  keepToken(undefined);
  header.hidden = true;
  heading.textContent = 'Turnpike';
  document.title = 'Sign in · Turnpike';
  trouble.textContent = wasRefused ? 'This is not the token.' : '';
  const field = h('input', {
    id: 'token',
    type: 'password',
    required: true,
    autocomplete: 'current-password',
    spellcheck: 'false',
  }) as HTMLInputElement;
  content.replaceChildren(
    h(
      'form',
      {
        class: 'card sign-in',
        submit: (event) => {
          event.preventDefault();
          keepToken(field.value.trim());
          void open(true);
        },
      },
      h('label', { for: 'token' }, 'Token'),
      field,
      h('p', { class: 'small' }, 'It is admin.token of the configuration. This tab keeps it until it is closed.'),
      h('button', { type: 'submit', class: 'primary' }, 'Sign in'),
    ),
  );
  field.focus();
}

function signOut(): void {
  keepToken(undefined);
  void open(false);
}

function skip(event: Event): void {
  event.preventDefault();
  heading.focus();
}

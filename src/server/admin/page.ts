import { readFileSync } from 'node:fs';
import { pagePolicy } from '../../paywall/page-policy.ts';
import { COMMON_HEADERS } from './answer-headers.ts';

/** Three levels up from here both as `src/server/admin` and as `dist/server/admin`. */
const ASSETS = new URL('../../../config/pages/', import.meta.url);

/** The browser turns no text into markup, whatever the script does (trusted types). */
const NO_MARKUP_FROM_TEXT = ["require-trusted-types-for 'script'", "trusted-types 'none'"];

/** The page as it is sent, the same to everybody: it fetches all data from the API. */
export interface PageFile {
  readonly html: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** Reads the page. */
export function readPage(): PageFile {
  const [script, style] = ['admin.js', 'admin.css'].map((name) => readFileSync(new URL(name, ASSETS), 'utf8'));
  if (script === undefined || style === undefined) throw new Error('the admin page has no assets');
  const html = [
    '<!doctype html><html lang="en"><head><meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width,initial-scale=1"><meta name="color-scheme" content="light dark">',
    '<meta name="robots" content="noindex"><title>Turnpike</title><link rel="icon" href="data:,">',
    `<style>${style}</style></head><body><div id="app"></div>`,
    '<noscript><p class="note">This page needs JavaScript. Without it, the same figures come from: turnpike ledger summary</p></noscript>',
    `<script>${script}</script></body></html>`,
  ].join('');
  const policy = pagePolicy({ script, styles: [style], images: 'data:' }, NO_MARKUP_FROM_TEXT);
  return { html, headers: { ...COMMON_HEADERS, 'Content-Security-Policy': policy } };
}

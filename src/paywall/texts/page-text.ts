import type { EN } from './en.ts';

/** The texts of the page, each in every language. `{name}` stands for what is filled in. */
export type PageText = keyof typeof EN;

/** One language. */
export interface Language {
  /** BCP 47. */
  readonly tag: string;
  readonly direction: 'ltr' | 'rtl';
  readonly texts: Readonly<Record<PageText, string>>;
}

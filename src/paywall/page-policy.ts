import { hash } from 'node:crypto';

/** What a page runs and shows. */
export interface PageParts {
  readonly script: string;
  readonly styles: readonly string[];
  /** Sources of images. */
  readonly images: string;
}

/**
 * The `Content-Security-Policy` of a page that holds all it needs. Nothing runs, and nothing styles the page, but what stands
 * in it and is named here by its digest; nothing is asked of anybody else; and no other page can frame it and have its
 * button clicked.
 *
 * @param more further directives
 */
export function pagePolicy({ script, styles, images }: PageParts, more: readonly string[] = []): string {
  return [
    "default-src 'none'",
    `script-src ${source(script)}`,
    `style-src ${styles.map(source).join(' ')}`,
    `img-src ${images}`,
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    ...more,
  ].join('; ');
}

function source(text: string): string {
  return `'sha256-${hash('sha256', text, 'base64')}'`;
}

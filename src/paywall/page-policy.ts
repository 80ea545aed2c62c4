import { hash } from 'node:crypto';

/** The script, the styles and the image sources of a page. */
export interface PageParts {
  readonly script: string;
  readonly styles: readonly string[];
  /** Sources of images. */
  readonly images: string;
}

/**
 * The `Content-Security-Policy` of a page that holds all it needs. Only the script and the styles in the page apply:
 * their digests are named here. The page connects to its own origin only. No other page can frame it to get its button
 * clicked.
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

/** What answers of the page and of its API have in common. */
export const COMMON_HEADERS: Readonly<Record<string, string>> = {
  'Cache-Control': 'no-store',
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Cross-Origin-Opener-Policy': 'same-origin',
};

/** Policy of answers that are no page: should a browser show one, it runs nothing. */
export const DATA_POLICY = "default-src 'none'; frame-ancestors 'none'; sandbox";

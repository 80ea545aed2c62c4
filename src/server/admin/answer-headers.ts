/** The headers of every answer of the page and its API. */
export const COMMON_HEADERS: Readonly<Record<string, string>> = {
  'Cache-Control': 'no-store',
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Cross-Origin-Opener-Policy': 'same-origin',
};

/** Policy of answers that are not pages: if a browser shows one, it runs nothing. */
export const DATA_POLICY = "default-src 'none'; frame-ancestors 'none'; sandbox";

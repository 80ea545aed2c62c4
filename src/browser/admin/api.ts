/** The key of the token in this tab's storage. No other tab, site or port can read it, and it is deleted with the tab. */
const TOKEN = 'turnpike-admin-token';

/** A failed call of the API. */
export class ApiFault extends Error {
  readonly code: string;

  constructor(code: string, detail: string) {
    super(detail);
    this.code = code;
  }
}

/** Stores the token for this tab; `undefined` deletes it. */
export function keepToken(token: string | undefined): void {
  if (token === undefined) sessionStorage.removeItem(TOKEN);
  else sessionStorage.setItem(TOKEN, token);
}

/** Whether this tab has a token. */
export function hasToken(): boolean {
  return sessionStorage.getItem(TOKEN) !== null;
}

/**
 * Reads from the API.
 *
 * @throws ApiFault
 */
export async function read<T>(path: string, query: Readonly<Record<string, string | undefined>> = {}): Promise<T> {
  const given = Object.entries(query).flatMap(([key, value]) =>
    value === undefined || value === '' ? [] : [[key, value]],
  );
  const text = new URLSearchParams(given).toString();
  return await call<T>(`api/${path}${text === '' ? '' : `?${text}`}`, { headers: authorization() });
}

/**
 * Sends an action or a question to the API.
 *
 * @throws ApiFault
 */
export async function post<T>(path: string, body: object): Promise<T> {
  const headers = { ...authorization(), 'Content-Type': 'application/json' };
  return await call<T>(`api/${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
}

async function call<T>(address: string, init: RequestInit): Promise<T> {
  let answer: Response;
  try {
    answer = await fetch(address, { ...init, cache: 'no-store', credentials: 'omit', redirect: 'error' });
  } catch {
    throw new ApiFault('unreachable', 'The gateway does not answer.');
  }
  const value: T & { readonly code?: string; readonly detail?: string } = await answer.json();
  if (answer.ok) return value;
  throw new ApiFault(value.code ?? String(answer.status), value.detail ?? `The gateway answered ${answer.status}.`);
}

function authorization(): Record<string, string> {
  const token = sessionStorage.getItem(TOKEN);
  return token === null ? {} : { Authorization: `Bearer ${token}` };
}

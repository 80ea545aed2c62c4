import type { IncomingMessage, ServerResponse } from 'node:http';
import { GatewayError } from '../../domain/gateway-error.ts';
import { describeCause } from '../../observe/cause.ts';
import type { Logger } from '../../observe/log.ts';
import { DamagedRow } from '../../store/damaged-row.ts';
import { StoreOpenError } from '../../store/store-open-error.ts';
import type { AdminApi } from './admin-api.ts';
import { AdminRefusal } from './admin-refusal.ts';
import { COMMON_HEADERS, DATA_POLICY } from './answer-headers.ts';
import { ApiCall } from './api-call.ts';
import { admit } from './gate.ts';
import { readJsonBody } from './json-body.ts';
import { type PageFile, readPage } from './page.ts';
import type { AdminSources } from './sources.ts';

/**
 * The admin page and its API, below `/` and `/api/` of the admin listener. Their code and data are loaded at the first
 * look, or at the start where the ledger is large.
 */
export class AdminSite {
  readonly #sources: AdminSources;
  readonly #log: Logger;
  #page: PageFile | undefined;
  #api: Promise<AdminApi> | undefined;
  #warmed = false;

  constructor(sources: AdminSources, log: Logger) {
    this.#sources = sources;
    this.#log = log;
  }

  /** Whether a path belongs to the page or its API, and the plan serves them. */
  serves(path: string): boolean {
    if (this.#sources.plan().adminPage === undefined) return false;
    return path === '/' || path === '/api' || path.startsWith('/api/');
  }

  /** Answers a request for such a path. Never throws. */
  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [path = '', query = ''] = (request.url ?? '').split(/\?(.*)/s, 2);
    try {
      if (path === '/') this.#sendPage(request, response);
      else sendJson(response, 200, await this.#call(request, path, new URLSearchParams(query)));
    } catch (fault) {
      const { code, message, status } = this.#refusalOf(fault);
      if (code === 'token_required') response.setHeader('WWW-Authenticate', 'Bearer');
      sendJson(response, status, { code, detail: message });
      // An unread body would be taken for the next request.
      if (!request.complete) response.once('finish', () => request.destroy());
    }
  }

  /**
   * Reads ahead what the page shows of a large ledger, once, a day at a time and in the background. A small ledger is
   * read at the first look: its views are fast, and need no memory before. Never rejects.
   */
  async warm(): Promise<void> {
    if (this.#warmed || this.#sources.plan().adminPage === undefined) return;
    this.#warmed = true;
    try {
      if (await this.#sources.ledger.isLarge()) await (await this.#openApi()).warm();
    } catch (fault) {
      this.#log.debug({ cause: describeCause(fault) }, 'the admin page could not read ahead');
    }
  }

  /** Closes what was opened. */
  async close(): Promise<void> {
    await this.#sources.ledger.close();
  }

  #openApi(): Promise<AdminApi> {
    this.#api ??= import('./admin-api.ts').then(({ openAdminApi }) => openAdminApi(this.#sources));
    return this.#api;
  }

  #sendPage({ method }: IncomingMessage, response: ServerResponse): void {
    if (method !== 'GET' && method !== 'HEAD') throw new AdminRefusal('method_not_allowed', 'the page is for GET');
    this.#page ??= readPage();
    void this.warm();
    response.writeHead(200, { ...this.#page.headers, 'Content-Type': 'text/html; charset=utf-8' });
    response.end(this.#page.html);
  }

  async #call(request: IncomingMessage, path: string, query: URLSearchParams): Promise<unknown> {
    const { adminPage } = this.#sources.plan();
    if (adminPage === undefined) throw new AdminRefusal('not_found', 'the admin page is off');
    const { paths } = await this.#openApi();
    const found = paths.get(path);
    // A caller without permission does not learn which paths exist.
    admit(request, adminPage, found?.changes === true);
    if (found === undefined) throw new AdminRefusal('not_found', 'the API has no such path');
    const method = request.method === 'HEAD' ? 'GET' : request.method;
    if (method !== found.method) throw new AdminRefusal('method_not_allowed', `this is for ${found.method}`);
    const body = method === 'POST' ? await readJsonBody(request) : undefined;
    const answer = await found.answer(new ApiCall(query, body));
    if (found.changes) this.#log.info({ path }, 'changed from the admin page');
    return answer;
  }

  #refusalOf(fault: unknown): Pick<AdminRefusal, 'code' | 'message' | 'status'> {
    if (fault instanceof AdminRefusal) return fault;
    this.#log.warn({ cause: describeCause(fault) }, 'the admin page could not be answered');
    if (fault instanceof DamagedRow) return new AdminRefusal('ledger_damaged', fault.message);
    return fault instanceof StoreOpenError || fault instanceof GatewayError
      ? new AdminRefusal('ledger_unavailable', 'the ledger cannot be read; the log says why')
      : new AdminRefusal('failed', 'this failed; the log says why');
  }
}

function sendJson(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, {
    ...COMMON_HEADERS,
    'Content-Security-Policy': DATA_POLICY,
    'Content-Type': 'application/json',
  });
  response.end(`${JSON.stringify(value)}\n`);
}

import type { JsonObject } from '../../../src/domain/x402.ts';
import type { ToolResult } from './x402-client.ts';

/** A message of JSON-RPC as it came back. */
export interface RpcMessage {
  readonly id?: string | number | null;
  readonly method?: string;
  readonly params?: Record<string, unknown>;
  readonly result?: ToolResult;
  readonly error?: { readonly code: number; readonly message: string; readonly data?: Record<string, unknown> };
}

/** A request of a client. */
export interface RpcRequest {
  readonly id: string | number;
  readonly method: string;
  readonly params?: object;
}

/** A session with an MCP server, message by message, as hostile or old clients have it. */
export class RawSession {
  /** Of the endpoint: the server may be met through one gateway after another. */
  url: string;
  readonly headers: Record<string, string> = {
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
  };

  constructor(url: string) {
    this.url = url;
  }

  async open(protocolVersion = '2025-06-18'): Promise<this> {
    const clientInfo = { name: 'raw', version: '1' };
    const begun = await this.post({
      id: 0,
      method: 'initialize',
      params: { protocolVersion, capabilities: {}, clientInfo },
    });
    await begun.text();
    this.headers['mcp-session-id'] = begun.headers.get('mcp-session-id') ?? '';
    await (await this.post({ method: 'notifications/initialized' })).text();
    return this;
  }

  async post(message: object, init: RequestInit = {}): Promise<Response> {
    return await this.send(JSON.stringify({ jsonrpc: '2.0', ...message }), init);
  }

  /** Sends a body as it is. */
  async send(body: string, init: RequestInit = {}): Promise<Response> {
    return await fetch(this.url, { method: 'POST', headers: this.headers, body, ...init });
  }

  /** Sends a request and resolves to the one answer to it. */
  async ask(message: RpcRequest): Promise<RpcMessage> {
    const found = messagesIn(await (await this.post(message)).text()).filter(({ id }) => id === message.id);
    if (found.length !== 1 || found[0] === undefined) throw new Error(`${found.length} answers to ${message.id}`);
    return found[0];
  }

  /** Calls a tool, with a payment or without. */
  async callTool(id: string | number, params: object, payment?: unknown): Promise<RpcMessage> {
    const _meta = payment === undefined ? {} : { _meta: { 'x402/payment': payment } };
    return await this.ask({ id, method: 'tools/call', params: { ...params, ..._meta } });
  }
}

/** The messages of an answer, as JSON or as an event stream. */
export function messagesIn(text: string): readonly RpcMessage[] {
  if (text.startsWith('{')) return [JSON.parse(text)];
  return text
    .split(/\r?\n/)
    .filter((line) => line.startsWith('data:'))
    .map((line) => line.slice('data:'.length).trim())
    .filter((data) => data !== '')
    .map((data) => JSON.parse(data));
}

/** The price that an answer states. */
export function priceOf({ result }: RpcMessage): JsonObject {
  return JSON.parse(result?.content[0]?.text ?? '');
}

import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { McpServer, ResourceTemplate } from '@modelcontextprotocol/sdk/server/mcp.js';
import { type EventStore, StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import type { JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js';
import { z } from 'zod';

/** Where calls of the tool `gated` wait. */
export class Gate {
  readonly #arrivals: (() => void)[] = [];
  readonly #leaves: (() => void)[] = [];
  #waiting = 0;

  /** Resolves once so many calls wait or have waited. */
  async arrived(count: number): Promise<void> {
    while (this.#waiting < count) await new Promise<void>((resolve) => this.#arrivals.push(resolve));
  }

  /** Lets those go that wait. */
  open(): void {
    for (const leave of this.#leaves.splice(0)) leave();
  }

  async pass(signal: AbortSignal): Promise<void> {
    this.#waiting++;
    for (const arrival of this.#arrivals.splice(0)) arrival();
    await new Promise<void>((resolve) => {
      this.#leaves.push(resolve);
      signal.addEventListener('abort', () => resolve());
    });
  }
}

/** A server of the official SDK over Streamable HTTP, which knows nothing of payments. */
export interface McpTestServer {
  readonly url: string;
  /** Calls that it carried out, by name of tool, resource or prompt. */
  readonly calls: readonly string[];
  readonly gate: Gate;
  /** Calls of `gated` that the client has cancelled. */
  readonly cancelled: readonly string[];
  /** Raw bodies that it received. */
  readonly bodies: readonly string[];
  /** Ends the streams that clients hold open, once what was asked for is written. */
  endStreams(): Promise<void>;
  close(): Promise<void>;
}

/** Keeps events, so that a client can resume a stream. */
class Events implements EventStore {
  readonly #events: { readonly id: string; readonly stream: string; readonly message: JSONRPCMessage }[] = [];

  async storeEvent(stream: string, message: JSONRPCMessage): Promise<string> {
    const id = `${this.#events.length}`;
    this.#events.push({ id, stream, message });
    return id;
  }

  async replayEventsAfter(
    last: string,
    { send }: { send: (id: string, message: JSONRPCMessage) => Promise<void> },
  ): Promise<string> {
    const from = this.#events.findIndex(({ id }) => id === last);
    const stream = this.#events[from]?.stream ?? '';
    // Of all streams of the session, as the store of the reference server has it.
    for (const event of this.#events.slice(from + 1)) await send(event.id, event.message);
    return stream;
  }
}

/** @param json answers as JSON, and not as an event stream */
export async function startMcpServer({ json = false }: { readonly json?: boolean } = {}): Promise<McpTestServer> {
  const calls: string[] = [];
  const cancelled: string[] = [];
  const gate = new Gate();
  const bodies: string[] = [];
  const streams = new Set<ServerResponse>();
  const transports = new Map<string, StreamableHTTPServerTransport>();
  const server = createServer((req, res) => void serve(req, res));

  async function serve(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of req) chunks.push(chunk);
    const text = Buffer.concat(chunks).toString('utf8');
    if (text !== '') bodies.push(text);
    if (req.method === 'GET') streams.add(res);
    const session = req.headers['mcp-session-id'];
    const known = typeof session === 'string' ? transports.get(session) : undefined;
    const transport = known ?? (await open());
    await transport.handleRequest(req, res, text === '' ? undefined : JSON.parse(text));
  }

  async function open(): Promise<StreamableHTTPServerTransport> {
    const transport = new StreamableHTTPServerTransport({
      sessionIdGenerator: () => randomUUID(),
      enableJsonResponse: json,
      eventStore: new Events(),
      onsessioninitialized: (id) => void transports.set(id, transport),
      onsessionclosed: (id) => void transports.delete(id),
    });
    await toolbox({ calls, cancelled, gate }).connect(transport as Parameters<McpServer['connect']>[0]);
    return transport;
  }

  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    calls,
    gate,
    cancelled,
    bodies,
    endStreams: async () => {
      await Promise.all([...streams].map(endAfterWriting));
    },
    close: async () => {
      await Promise.all([...transports.values()].map((transport) => transport.close()));
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** The SDK writes what it kept right after the head. */
async function endAfterWriting(res: ServerResponse): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
  res.end();
}

interface Toolbox {
  readonly calls: string[];
  readonly cancelled: string[];
  readonly gate: Gate;
}

function toolbox({ calls, cancelled, gate }: Toolbox): McpServer {
  const server = new McpServer({ name: 'toolbox', version: '1' });
  const say = (text: string) => ({ content: [{ type: 'text' as const, text }] });
  server.registerTool('search', { description: 'Searches.', inputSchema: { query: z.string() } }, ({ query }) => {
    calls.push('search');
    return say(`found ${query}`);
  });
  server.registerTool('free_time', { description: 'Tells the time.' }, () => {
    calls.push('free_time');
    return say('noon');
  });
  server.registerTool(
    'weather',
    { description: 'Weather.', inputSchema: { city: z.string() }, outputSchema: { celsius: z.number() } },
    () => {
      calls.push('weather');
      return { ...say('7'), structuredContent: { celsius: 7 } };
    },
  );
  server.registerTool('broken', { description: 'Fails.' }, () => {
    calls.push('broken');
    return { ...say('sorry'), isError: true };
  });
  server.registerTool('long', { description: 'Reports its progress.' }, async ({ _meta, sendNotification }) => {
    calls.push('long');
    for (const progress of [1, 2]) {
      if (_meta?.progressToken === undefined) break;
      await sendNotification({
        method: 'notifications/progress',
        params: { progress, progressToken: _meta.progressToken },
      });
    }
    return say('done');
  });
  server.registerTool(
    'gated',
    { description: 'Waits.', inputSchema: { name: z.string() } },
    async ({ name }, { _meta, sendNotification, signal }) => {
      calls.push(`gated ${name}`);
      const progressToken = _meta?.progressToken;
      if (progressToken !== undefined) {
        await sendNotification({ method: 'notifications/progress', params: { progress: 1, progressToken } });
      }
      await gate.pass(signal);
      if (signal.aborted) cancelled.push(name);
      return say(`passed ${name}`);
    },
  );
  server.registerResource('page', new ResourceTemplate('page://{name}', { list: undefined }), {}, (uri) => {
    calls.push(uri.href);
    return { contents: [{ uri: uri.href, text: 'a page' }] };
  });
  server.registerPrompt('review', { description: 'Reviews.' }, () => {
    calls.push('review');
    return { messages: [{ role: 'user', content: { type: 'text', text: 'review' } }] };
  });
  return server;
}

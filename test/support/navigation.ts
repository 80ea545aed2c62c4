import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';

/** What Chromium says when a person opens an address. Node's `fetch` says that it is a script, and cannot say otherwise. */
const NAVIGATION = {
  Accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8',
  'Sec-Fetch-Mode': 'navigate',
  'Sec-Fetch-Dest': 'document',
  'Sec-Fetch-Site': 'none',
};

/** Opens an address as a browser does. `headers` replace its own. */
export async function openAddress(
  url: string,
  headers: Readonly<Record<string, string>> = {},
  method = 'GET',
): Promise<Response> {
  const sent = request(url, { method, headers: { ...NAVIGATION, ...headers }, agent: false });
  sent.end();
  const [answer] = (await once(sent, 'response')) as [IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of answer) chunks.push(chunk);
  const fields = new Headers();
  for (let at = 0; at + 1 < answer.rawHeaders.length; at += 2) {
    fields.append(answer.rawHeaders[at] ?? '', answer.rawHeaders[at + 1] ?? '');
  }
  const status = answer.statusCode ?? 0;
  return new Response(status === 204 || method === 'HEAD' ? null : Buffer.concat(chunks), { status, headers: fields });
}

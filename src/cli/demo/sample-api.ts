import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { type LocalServer, listenHere } from './local-server.ts';

/** Between two events of `/v1/stream`, in milliseconds: slow enough to see that nothing is buffered. */
const EVENT_EVERY_MS = 400;
const EVENTS = 5;

/** Tokens of the report that the model reads before it answers. */
const REPORT_TOKENS = 1_800;
const MODEL_ANSWER = 'Summers in Lisbon will be drier, says the report, and winters milder.';

/** Starts an API that knows nothing of payments: weather, reports and an archive as JSON, a stream of events, a language model that answers one thing, and a health check. */
export async function startSampleApi(): Promise<LocalServer> {
  const server = createServer((req, res) => {
    const [path = ''] = (req.url ?? '').split('?', 1);
    const city = /^\/v1\/weather\/([^/]+)$/.exec(path)?.[1];
    if (city === 'atlantis') return sendJson(res, 404, { error: 'no such city' });
    if (city !== undefined) return sendJson(res, 200, weatherIn(decodeURIComponent(city)));
    const report = /^\/v1\/reports\/([a-z]+)$/.exec(path)?.[1];
    if (report !== undefined) return sendJson(res, 200, { report, pages: report.length * 7 });
    const year = /^\/v1\/archive\/(\d{4})$/.exec(path)?.[1];
    if (year !== undefined) return sendJson(res, 200, { year, storms: Number(year) % 9 });
    if (path === '/v1/stream') return sendEvents(res);
    if (path === '/v1/chat/completions') return void answerQuestion(req, res);
    if (path === '/healthz') return sendJson(res, 200, { status: 'ok' });
    sendJson(res, 404, { error: 'not found' });
  });
  return await listenHere(server);
}

/** The same city has the same weather, so that the demo shows the same thing each time. */
function weatherIn(city: string): { city: string; celsius: number; sky: string } {
  const seed = [...city].reduce((sum, character) => sum + (character.codePointAt(0) ?? 0), 0);
  const skies = ['clear', 'cloudy', 'rain', 'fog'];
  return { city, celsius: (seed % 30) - 2, sky: skies[seed % skies.length] ?? 'clear' };
}

/** Answers as an OpenAI-compatible server does, with what it used: a token for each word. A client that leaves gets nothing. */
async function answerQuestion(req: IncomingMessage, res: ServerResponse): Promise<void> {
  const question = await text(req).catch(() => undefined);
  if (question === undefined) return;
  const [read, written] = [REPORT_TOKENS + wordsIn(question), wordsIn(MODEL_ANSWER)];
  sendJson(res, 200, {
    ...{ id: 'chatcmpl-demo', object: 'chat.completion', created: 0, model: 'report-reader' },
    choices: [{ index: 0, message: { role: 'assistant', content: MODEL_ANSWER }, finish_reason: 'stop' }],
    usage: { prompt_tokens: read, completion_tokens: written, total_tokens: read + written },
  });
}

function wordsIn(sentence: string): number {
  return sentence.split(/\s+/).length;
}

function sendJson(res: ServerResponse, status: number, value: object): void {
  res.writeHead(status, { 'Content-Type': 'application/json' });
  res.end(`${JSON.stringify(value)}\n`);
}

function sendEvents(res: ServerResponse): void {
  res.writeHead(200, { 'Content-Type': 'text/event-stream' });
  let sent = 0;
  const next = (): void => {
    sent += 1;
    res.write(`data: tick ${sent}\n\n`);
    if (sent < EVENTS) return;
    clearInterval(timer);
    res.end();
  };
  const timer = setInterval(next, EVENT_EVERY_MS);
  res.once('close', () => clearInterval(timer));
  next();
}

import { isRecord, memberAt, parseExactly } from '../domain/exact-json.ts';
import type { Json, JsonObject } from '../domain/x402.ts';
import type { OutputLimit } from './dialect/dialect.ts';
import { textAt } from './read/facts.ts';
import { type MeteredRequest, readLoosely, readStrictly, unmetered } from './read-request.ts';

/** Ends of paths where the request says whether its usage is told: in the stream, or in no answer of its own. */
const SAYS_HOW = /\/(?:completions|responses|interactions)$/;

/**
 * Ends of paths that begin a job: batches of OpenAI, Anthropic, Mistral and Gemini, and the training of models. What it
 * uses is told in no answer of its own.
 */
const BEGINS_JOB =
  /\/(?:batches|batch\/jobs|fine_tuning\/jobs)$|:(?:batchgeneratecontent|asyncbatchembedcontent|predictlongrunning)$/i;

/**
 * Ends of paths that hand out a key of a vendor's own, or open a call beside HTTP: sessions of OpenAI's Realtime and
 * ChatKit, and tokens of Gemini's Live. Their holder calls the vendor at the seller's cost, past the gateway.
 */
const OPENS_WAY_PAST =
  /\/(?:realtime\/(?:client_secrets|sessions|transcription_sessions|calls)|chatkit\/sessions|auth_tokens)$/;

/** A limit of output tokens that is to be put into requests. */
export interface WantedCap {
  /** Where the API reads it; `undefined` where it does not. */
  readonly limitOf: (path: string, model: string) => OutputLimit | undefined;
  /** How many tokens that is, for so many answers at once; `undefined` for no limit. */
  readonly tokens: (answers: bigint) => bigint | undefined;
}

/** The wanted changes of a request. */
export interface WantedChange {
  /** The path that the API gets, as {@link meteredPath} reads it. */
  readonly path: string;
  /** The limit of output tokens that is put in where the client names none; `undefined`: none is. */
  readonly cap: WantedCap | undefined;
}

/** A request's new body. */
export interface ChangedRequest {
  readonly body: Buffer;
  /** Whether it asks for usage in a stream whose client did not: that has to be taken out of the answer. */
  readonly asksForUsage: boolean;
}

/**
 * The body that replaces a request's own, so that its answer states its usage: with `stream_options.include_usage` for
 * a stream of OpenAI's Completions or Chat Completions, and with a limit of output tokens where one is wanted and the
 * client names none. Numbers keep their text. `undefined` where nothing needs to change; a body that is no JSON is left
 * to the API at paths where neither has to be known.
 *
 * @throws GatewayError `request_unmetered` for a request that could be read in two ways, or whose usage would be told in
 *   the answer to another one
 */
export function changeForMeter(wanted: WantedChange, sent: MeteredRequest): ChangedRequest | undefined {
  if (BEGINS_JOB.test(wanted.path)) throw unmetered('What a job uses is told in no answer of its own.');
  if (OPENS_WAY_PAST.test(wanted.path)) throw unmetered('What is used past the gateway is told in no answer.');
  const facts = mustBeRead(wanted) ? readStrictly(sent) : readLoosely(sent);
  if (facts === undefined) return undefined;
  const isTrue = (pointer: string): boolean => {
    const fact = facts.get(pointer);
    return fact?.kind === 'boolean' && fact.value;
  };
  if (isTrue('/background')) throw unmetered('What a call in the background uses is told in no answer of its own.');
  const asksForUsage =
    wanted.path.endsWith('/completions') && isTrue('/stream') && !isTrue('/stream_options/include_usage');
  const limit = wanted.cap?.limitOf(wanted.path, textAt(facts, '/model') ?? '');
  if (!asksForUsage && limit === undefined) return undefined;
  const request = parseExactly(sent.body.toString('utf8'));
  if (!isRecord(request)) return undefined;
  const limited = limit === undefined ? request : withLimit(request, limit, wanted.cap);
  const changed = asksForUsage ? withUsage(limited) : limited;
  return changed === request ? undefined : { body: Buffer.from(JSON.stringify(changed), 'utf8'), asksForUsage };
}

function mustBeRead({ path, cap }: WantedChange): boolean {
  return SAYS_HOW.test(path) || cap?.limitOf(path, '') !== undefined;
}

function withUsage(request: JsonObject): JsonObject {
  const options = request['stream_options'];
  return { ...request, stream_options: { ...(isRecord(options) ? options : {}), include_usage: true } };
}

/** A client's own limit always stays: costs above the maximum are not charged. */
function withLimit(request: JsonObject, limit: OutputLimit, cap: WantedCap | undefined): JsonObject {
  const tokens = cap?.tokens(answersTo(request, limit));
  if (tokens === undefined) return request;
  if (limit.members.some((path) => isLimit(memberAt(request, path), limit))) return request;
  const [first] = limit.members;
  return first === undefined ? request : withMember(request, first, JSON.rawJSON(tokens.toString(10)));
}

function isLimit(value: Json | undefined, { negativeIsNone }: OutputLimit): boolean {
  if (value === undefined || value === null) return false;
  return !negativeIsNone || !JSON.stringify(value).startsWith('-');
}

/** How many answers a request asks for, of all its prompts. */
function answersTo(request: JsonObject, { answers, prompts = [] }: OutputLimit): bigint {
  const counts = answers.map((path) => countIn(memberAt(request, path)));
  const each = counts.reduce((most, count) => (count > most ? count : most), 1n);
  const prompt = memberAt(request, prompts);
  // A list of numbers is the tokens of one prompt.
  const isList = Array.isArray(prompt) && prompt.length > 0 && prompt.every((one) => isTextOrList(one));
  return isList ? each * BigInt(prompt.length) : each;
}

function isTextOrList(value: Json): boolean {
  return typeof value === 'string' || Array.isArray(value);
}

/** Any other value than a count is left to the API, which refuses it. */
function countIn(value: Json | undefined): bigint {
  const text = value === undefined ? '' : JSON.stringify(value);
  return /^[1-9]\d{0,5}$/.test(text) ? BigInt(text) : 1n;
}

function withMember(request: JsonObject, [name, ...rest]: readonly string[], value: Json): JsonObject {
  if (name === undefined) return request;
  const inner = request[name];
  return { ...request, [name]: rest.length === 0 ? value : withMember(isRecord(inner) ? inner : {}, rest, value) };
}

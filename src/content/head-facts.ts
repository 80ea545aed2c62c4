import { isbot } from 'isbot';
import { nominatedBy } from '../domain/connection-options.ts';
import { GatewayError } from '../domain/gateway-error.ts';
import type { HeadSubject } from '../domain/when.ts';
import { ABSENT, type Fact } from './fact.ts';
import { keyIn, queryValue } from './query-value.ts';

/** What conditions see of a request's head. */
export interface AskedHead {
  readonly method: string;
  /** With its `?`, as sent. */
  readonly query: string;
  /** Flat list of names and values, as sent. */
  readonly rawHeaders: readonly string[];
  /**
   * Whether the request has a valid signature of an agent that the operator knows. Called where a condition needs it.
   */
  isVerified(): boolean;
}

/** Headers by which some frameworks take another method than the request line's. */
const METHOD_OVERRIDES = ['x-http-method-override', 'x-http-method', 'x-method-override'];

/** Keys of the query by which Symfony, Laravel and Rails can do so. */
const METHOD_KEYS = ['_method'];

/**
 * The value of a subject in a request's head.
 *
 * @throws GatewayError `request_ambiguous` for a header or a query key that occurs more than once, or that the upstream
 *   would see in another form
 */
export function headFact(subject: HeadSubject, head: AskedHead): Fact {
  switch (subject.kind) {
    case 'method':
      refuseOverride(head);
      // HEAD costs what GET costs: its answer has the same headers.
      return { kind: 'text', text: head.method === 'HEAD' ? 'GET' : head.method };
    case 'header':
      return headerValue(head.rawHeaders, subject.name);
    case 'query':
      return queryValue(head.query, subject.name);
    case 'agent':
      return { kind: 'text', text: agentOf(head) };
  }
}

/**
 * Refuses a key of the query that makes some APIs take a POST for another method.
 *
 * @param query with its `?`, or empty
 * @throws GatewayError `request_ambiguous`
 */
export function refuseMethodKey(query: string): void {
  const key = keyIn(query, METHOD_KEYS);
  if (key !== undefined) throw ambiguous(`the key ${key} of the query asks for another method than the request line`);
}

function refuseOverride({ rawHeaders, query }: AskedHead): void {
  refuseMethodKey(query);
  for (const name of METHOD_OVERRIDES)
    if (headerValue(rawHeaders, name).kind !== 'absent')
      throw ambiguous(`${name} asks for another method than the request line`);
}

/** Servers behind CGI and WSGI read `X_Tier`, `X.Tier` and `X-Tier` as one header. */
function headerValue(rawHeaders: readonly string[], name: string): Fact {
  if (nominatedBy(rawHeaders)?.has(name) === true)
    throw ambiguous(`Connection names ${name}, so that the API would not see it`);
  let found: string | undefined;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const given = rawHeaders[index]?.toLowerCase() ?? '';
    const value = rawHeaders[index + 1] ?? '';
    if (given.length !== name.length || asVariable(given) !== asVariable(name)) continue;
    if (given !== name) throw ambiguous(`${given} is read as ${name} by some`);
    if (found !== undefined) throw ambiguous(`the header ${name} is there more than once`);
    found = value;
  }
  if (found === undefined) return ABSENT;
  const text = found.replaceAll(/^[ \t]+|(?<![ \t])[ \t]+$/g, '');
  // Only blanks and tabs are no part of a value (RFC 9110 §5.5). Some APIs trim others, such as the no-break space.
  if (text !== text.trim() || /^\x85|\x85$/.test(text))
    throw ambiguous(`the header ${name} has a blank that some keep`);
  return { kind: 'text', text };
}

/** A header's name as a variable of CGI. */
function asVariable(name: string): string {
  return name.replaceAll(/[^a-z0-9]/g, '_');
}

/** A client without User-Agent is not a browser. */
function agentOf(head: AskedHead): 'bot' | 'browser' | 'verified' {
  const userAgent = headerValue(head.rawHeaders, 'user-agent');
  if (head.isVerified()) return 'verified';
  return userAgent.kind !== 'text' || userAgent.text === '' || isbot(userAgent.text) ? 'bot' : 'browser';
}

function ambiguous(what: string): GatewayError {
  return new GatewayError('request_ambiguous', { detail: `The request can be read in two ways: ${what}.` });
}

import { ANSWER_BODIES, ANSWER_HEADERS, headOf, INTERIM_ANSWERS, STATUSES, withHeaders } from './answers.ts';
import { type Encounter, PLAIN_ANSWER, type RequestParts, type RouteKind, requestFor, sized } from './encounter.ts';
import type { Script } from './recording-upstream.ts';
import { BODIES, EXPECTATIONS, HEADER_LINES, METHODS, TARGETS, VERSIONS } from './requests.ts';

const UPLOAD = sized('upload', 'uploaded');
const HEADED: readonly (readonly [string, Script])[] = ANSWER_HEADERS.map((lines) => [
  short(lines),
  withHeaders(lines),
]);
const ANSWERS: readonly (readonly [string, Script])[] = [...STATUSES, ...HEADED, ...ANSWER_BODIES];
/** The client of HTTP/1.0 has no use for interim answers, and undecided lengths are its own affair. */
const ROUTES: readonly RouteKind[] = ['free', 'after', 'before'];

/** Every request and answer that the suite exchanges. */
export const ENCOUNTERS: readonly Encounter[] = [
  ...METHODS.flatMap((method) => BODIES.map((body) => asking('free', `${method} with ${body.name}`, { method, body }))),
  ...TARGETS.map((target) => asking('free', `GET ${JSON.stringify(target.slice(0, 60))}`, { target })),
  ...HEADER_LINES.flatMap((headers) => [
    asking('free', `GET with ${short(headers)}`, { headers }),
    asking('free', `POST with ${short(headers)}`, { method: 'POST', headers, body: UPLOAD }),
    asking('after', `GET with ${short(headers)}`, { headers }),
  ]),
  ...ROUTES.flatMap((route) =>
    EXPECTATIONS.map((parts, index) =>
      asking(route, `${parts.method} that expects to be asked for its body, ${index + 1}`, parts),
    ),
  ),
  ...ANSWERS.flatMap(([name, script]) => [
    answering('free', `answer ${name}`, {}, script),
    answering('free', `answer ${name} to HEAD`, { method: 'HEAD' }, headOf(script)),
    answering('after', `answer ${name}`, {}, script),
  ]),
  ...VERSIONS.flatMap((parts) =>
    ANSWER_BODIES.map(([name, script]) => answering('free', `answer ${name} to ${parts.name}`, parts, script)),
  ),
  ...ANSWER_BODIES.map(([name, script]) =>
    answering('before', `answer ${name} to POST`, { method: 'POST', body: UPLOAD }, script),
  ),
  ...ROUTES.flatMap((route) =>
    INTERIM_ANSWERS.map(([name, script]) => answering(route, `answer after ${name}`, {}, script)),
  ),
  ...BODIES.map((body) => asking('after', `PUT with ${body.name}`, { method: 'PUT', body })),
  ...BODIES.map((body) => asking('before', `POST with ${body.name}`, { method: 'POST', body })),
];

function asking(route: RouteKind, name: string, parts: RequestParts): Encounter {
  const script = parts.method === 'HEAD' ? headOf(PLAIN_ANSWER) : PLAIN_ANSWER;
  return { name: `${name}, ${route}`, route, request: requestFor(route, parts), script };
}

function answering(route: RouteKind, name: string, parts: RequestParts, script: Script): Encounter {
  return { name: `${name}, ${route}`, route, request: requestFor(route, parts), script };
}

function short(lines: readonly string[]): string {
  return JSON.stringify(lines.join(' | ').slice(0, 70));
}

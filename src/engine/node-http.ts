/*
 * `node:http` for modules that are loaded at the start. Importing it makes Node read each of its exports, one of which
 * is the browsers' `WebSocket`: a library of its own, which takes 50 ms to load, a tenth of the whole start, and is not
 * used.
 */
const http = process.getBuiltinModule('node:http');

export const { Agent, createServer, ServerResponse, STATUS_CODES } = http;
export type ServerResponse = InstanceType<typeof ServerResponse>;

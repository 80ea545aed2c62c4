import { validate as validateReadme } from '@readme/openapi-parser';
import { Validator } from '@seriousme/openapi-schema-validator';
import { expect, it } from 'vitest';
import { DEFAULT_DISCOVERY } from '../../../src/config/discovery-keys.ts';
import { discoveryPage } from '../../../src/discovery/discovery-page.ts';
import { parseApiDocument } from '../../../src/openapi/document.ts';
import { planOf } from '../../support/gateway.ts';

const HEAD = `upstream: http://127.0.0.1:8080
payTo: "0x209693Bc6afc0C5328bA36FaF03C514EF312287C"
accepts: [base]
facilitator: https://facilitator.example.com
store: memory
routes:
  - { path: /sold/:id, price: $0.001 }
`;
const UNSOLD = '#/paths/~1unsold/get';

it('References of a sold operation into one that is not sold are left out, and the document stays valid', async () => {
  const description = JSON.stringify({
    openapi: '3.1.0',
    info: { title: 'Sold', version: '1' },
    paths: {
      '/sold/{id}': {
        post: {
          parameters: [
            { $ref: `${UNSOLD}/parameters/0` },
            { $ref: `${UNSOLD}/parameters/1` },
            { name: 'own', in: 'query', schema: { $ref: `${UNSOLD}/parameters/0/schema` } },
          ],
          requestBody: { $ref: `${UNSOLD}/requestBody` },
          responses: {
            200: {
              description: 'ok',
              headers: { Rest: { $ref: `${UNSOLD}/responses/200/headers/Rest` }, Own: { schema: { type: 'string' } } },
              content: {
                'application/json': { schema: { type: 'object', properties: { headers: { type: 'array' } } } },
              },
            },
            429: { $ref: `${UNSOLD}/responses/200` },
          },
        },
      },
      '/unsold': {
        get: {
          parameters: [
            { name: 'secret', in: 'query', schema: { type: 'string', enum: ['secret'] } },
            { name: 'id', in: 'path', required: true, schema: { type: 'string', enum: ['secret'] } },
          ],
          requestBody: { content: { 'application/json': { schema: { title: 'secret' } } } },
          responses: { 200: { description: 'secret', headers: { Rest: { schema: { title: 'secret' } } } } },
        },
      },
    },
  });
  const parsed = parseApiDocument(description);
  if (!parsed.ok) throw new Error(parsed.wrong);
  const terms = { ...DEFAULT_DISCOVERY, document: parsed.value };
  const { body } = await discoveryPage('/openapi.json', await planOf(HEAD), terms);
  expect(body).not.toContain('secret');
  const { post } = JSON.parse(body).paths['/sold/{id}'];
  expect(post.parameters).toEqual([
    { name: 'id', in: 'path', required: true, schema: { type: 'string' } },
    { name: 'own', in: 'query', schema: {} },
  ]);
  expect(Object.keys(post.responses[200].headers)).toEqual(['Own']);
  expect(post.responses[200].content['application/json'].schema.properties).toEqual({ headers: { type: 'array' } });
  expect(post.responses[429]).toEqual({ description: '' });
  expect((await new Validator().validate(JSON.parse(body))).valid).toBe(true);
  expect((await validateReadme(JSON.parse(body))).valid).toBe(true);
});

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { DOCUMENT_PACKAGES } from './packages.ts';
import { sellDocument } from './sell.ts';

const folder = mkdtempSync(join(tmpdir(), 'turnpike-documents-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** The smallest of them; `npm run documents` tries all. */
const INSTALLED = ['@figma/rest-api-spec', '@netlify/open-api'];

describe('a real API description', () => {
  const documents = DOCUMENT_PACKAGES.filter((each) => INSTALLED.includes(each.package)).flatMap((each) =>
    each.documents.map((path) => `${each.package}/${path}`),
  );

  it.each(documents)('%s is sold whole, in a form that catalogues take', async (name) => {
    const path = fileURLToPath(new URL(`../../node_modules/${name}`, import.meta.url));
    const sale = await sellDocument(path, join(folder, 'gateway.yaml'), 10);
    expect(sale.faults).toEqual([]);
    expect(sale.operations).toBeGreaterThan(50);
    expect(sale.listed).toBe(Math.ceil(sale.operations / 10));
    expect(sale.explained).toBe(5);
  }, 240_000);
});

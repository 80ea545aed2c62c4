import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { DOCUMENT_PACKAGES, fetchDocuments } from './packages.ts';
import { sellDocument } from './sell.ts';

const folder = mkdtempSync(join(tmpdir(), 'turnpike-documents-'));
const figures: string[] = [];
afterAll(() => {
  rmSync(folder, { recursive: true });
  process.stdout.write(`${figures.join('\n')}\n`);
});

describe('the API descriptions that packages of npm ship', () => {
  it.each(
    DOCUMENT_PACKAGES,
  )('of $package are sold whole, each operation in a form that catalogues take', async (wanted) => {
    for (const document of await fetchDocuments(wanted, folder)) {
      const sale = await sellDocument(document, join(folder, 'gateway.yaml'));
      const { operations, routes, listed, uncatalogued, explained, longestHeader, notForSale, faults } = sale;
      figures.push(
        `${wanted.package} ${basename(document)}: ${operations} operations on ${routes} routes, ${listed} listed, ` +
          `${uncatalogued} of methods without catalogue, ${explained} explained, longest header ${longestHeader}`,
        ...notForSale.map((line) => `  ${line}`),
      );
      expect(faults, document).toEqual([]);
      expect(listed + uncatalogued + notForSale.length).toBe(operations);
    }
  });
});

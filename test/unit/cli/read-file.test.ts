import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { lookAtFile, readTextFile, readTextOrPipe } from '../../../src/cli/read-file.ts';
import { whyUnreadable, whyUnwritable } from '../../../src/config/unreadable.ts';

const folder = mkdtempSync(join(tmpdir(), 'turnpike-read-'));
afterAll(() => rmSync(folder, { recursive: true }));

const at = (name: string): string => join(folder, name);

function whyNot(read: (path: string) => unknown, name: string): string {
  try {
    read(at(name));
  } catch (fault) {
    return whyUnreadable(fault);
  }
  return 'it was read';
}

writeFileSync(at('text'), 'prix: 1 €\n');
writeFileSync(at('marked'), '\ufeffsecret\n');
writeFileSync(at('latin1'), Buffer.from('caf\xe9', 'latin1'));
writeFileSync(at('utf16'), Buffer.from('a: b', 'utf16le').swap16());
mkdirSync(at('folder'));
symlinkSync(at('loop'), at('loop'));
symlinkSync(at('text'), at('link'));
execFileSync('mkfifo', [at('pipe')]);

describe('a configuration or secret file', () => {
  it('is read in UTF-8, also by a link', () => {
    expect([readTextFile(at('text')), readTextFile(at('link')), readTextOrPipe(at('text'))]).toEqual([
      'prix: 1 €\n',
      'prix: 1 €\n',
      'prix: 1 €\n',
    ]);
  });

  it('has no byte order mark', () => {
    expect([readTextFile(at('marked')), readTextOrPipe(at('marked'))]).toEqual(['secret\n', 'secret\n']);
  });

  it.each([
    ['pipe', 'it is a pipe'],
    ['folder', 'it is a folder'],
    ['latin1', 'it is not in UTF-8'],
    ['missing', 'there is no such file'],
    ['loop', 'its links lead in a circle'],
    ['text/x', 'a part of its path is no folder'],
  ])('is refused at once where it is %s: %s', (name, why) => {
    expect(whyNot(readTextFile, name)).toBe(why);
  });

  it('that is a device is refused', () => {
    expect(() => readTextFile('/dev/null')).toThrow('it is no file but a device or a socket');
  });

  it('is looked at without reading it, since a pipe gives its text once', () => {
    expect(whyNot(lookAtFile, 'pipe')).toBe('it was read');
    expect(whyNot(lookAtFile, 'folder')).toBe('it is a folder');
    expect(whyNot(lookAtFile, 'missing')).toBe('there is no such file');
  });
});

describe('why a file cannot be written', () => {
  it.each([
    ['EACCES', 'this process may not write there'],
    ['ENOSPC', 'the disk is full'],
    ['EROFS', 'the file system is read-only'],
    ['ENOENT', 'there is no such folder'],
    ['ENOTDIR', 'a part of its path is no folder'],
  ])('%s is told as: %s', (code, why) => {
    expect(whyUnwritable(Object.assign(new Error('no'), { code }))).toBe(why);
  });
});

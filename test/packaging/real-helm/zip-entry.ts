import { inflateRawSync } from 'node:zlib';

/** Sizes and marks of the ZIP format (APPNOTE 4.3). */
const CENTRAL_SIGNATURE = 0x02014b50;
const CENTRAL_BYTES = 46;
const LOCAL_BYTES = 30;
const END_BYTES = 22;

/**
 * The content of one file of a ZIP archive that has no comment.
 *
 * @throws Error when there is none of that name
 */
export function zipEntry(archive: Buffer, name: string): Buffer {
  let at = archive.readUInt32LE(archive.length - END_BYTES + 16);
  while (archive.readUInt32LE(at) === CENTRAL_SIGNATURE) {
    const nameBytes = archive.readUInt16LE(at + 28);
    const found = archive.toString('utf8', at + CENTRAL_BYTES, at + CENTRAL_BYTES + nameBytes);
    if (found === name) {
      const local = archive.readUInt32LE(at + 42);
      const begin = local + LOCAL_BYTES + archive.readUInt16LE(local + 26) + archive.readUInt16LE(local + 28);
      const content = archive.subarray(begin, begin + archive.readUInt32LE(at + 20));
      return archive.readUInt16LE(at + 10) === 0 ? content : inflateRawSync(content);
    }
    at += CENTRAL_BYTES + nameBytes + archive.readUInt16LE(at + 30) + archive.readUInt16LE(at + 32);
  }
  throw new Error(`the archive has no ${name}`);
}

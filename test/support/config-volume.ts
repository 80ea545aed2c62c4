import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A folder whose files change all at once, as Kubernetes mounts a ConfigMap. */
export interface ConfigVolume {
  /** `path('gateway.yaml')` is a link through `..data`, as it is in a pod. */
  path(name: string): string;
  /** Replaces all files by renaming `..data` over, and deletes the folder of the ones before. */
  swap(files: Readonly<Record<string, string>>): void;
  remove(): void;
}

/** Makes a volume below the system's folder for temporary files. */
export function openConfigVolume(files: Readonly<Record<string, string>>): ConfigVolume {
  const root = mkdtempSync(join(tmpdir(), 'turnpike-volume-'));
  let version = 0;
  const write = (content: Readonly<Record<string, string>>): string => {
    version += 1;
    const folder = `..version_${version}`;
    mkdirSync(join(root, folder));
    for (const [name, text] of Object.entries(content)) writeFileSync(join(root, folder, name), text);
    return folder;
  };
  symlinkSync(write(files), join(root, '..data'));
  for (const name of Object.keys(files)) symlinkSync(join('..data', name), join(root, name));
  return {
    path: (name) => join(root, name),
    swap(content) {
      const before = readlinkSync(join(root, '..data'));
      symlinkSync(write(content), join(root, '..data_tmp'));
      renameSync(join(root, '..data_tmp'), join(root, '..data'));
      rmSync(join(root, before), { recursive: true });
      for (const name of Object.keys(content))
        if (!readdirSync(root).includes(name)) symlinkSync(join('..data', name), join(root, name));
    },
    remove: () => rmSync(root, { recursive: true, force: true }),
  };
}

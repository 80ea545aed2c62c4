import { type LoadedConfig, loadConfig } from '../../config/load.ts';
import type { Scheme } from '../../scheme/scheme.ts';

/** What `turnpike check` would say of a text that names no other file and nothing of the environment. */
export function checkText(text: string, file: string, schemes: readonly Scheme[]): LoadedConfig {
  const readFile = (path: string): string => {
    throw new Error(`nothing of ${path} is needed`);
  };
  return loadConfig({ file, text, env: {}, readFile, schemes });
}

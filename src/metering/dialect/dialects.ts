import { anthropic } from './anthropic.ts';
import type { Dialect } from './dialect.ts';
import { gemini } from './gemini.ts';
import { ollama } from './ollama.ts';
import { openai } from './openai.ts';
import { openrouter } from './openrouter.ts';

/** The API families whose answers are understood. One file each, and one line here. */
export const DIALECTS: readonly Dialect[] = [openai, anthropic, gemini, openrouter, ollama];

/** The family that answers at a path, where the path's end shows it. */
const ENDINGS: readonly (readonly [RegExp, Dialect])[] = [
  [/\/messages$/, anthropic],
  [/:(?:stream)?generateContent$/i, gemini],
  [/\/interactions$/, gemini],
  [/\/api\/(?:chat|generate|embed|embeddings)$/, ollama],
];

/** The family of a path: OpenAI's, which most servers speak, unless its end says otherwise. */
export function dialectOfPath(path: string): Dialect {
  return ENDINGS.find(([ending]) => ending.test(path))?.[1] ?? openai;
}

/** The family of a name. */
export function dialectNamed(name: string): Dialect | undefined {
  return DIALECTS.find((dialect) => dialect.name === name);
}

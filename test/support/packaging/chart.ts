import { createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { Ajv } from 'ajv';
import { parse, stringify } from 'yaml';
import { readRepositoryFile, repositoryPath } from '../docs/markdown.ts';
import { type Manifest, parseManifests } from './manifests.ts';
import { type Functions, Template } from './template.ts';
import { isMap, type Json, type JsonMap, truthy } from './template-words.ts';

const CHART = 'config/helm/turnpike';

/** What a release of the chart would consist of. */
export interface Release {
  readonly manifests: readonly Manifest[];
  readonly notes: string;
}

const FUNCTIONS: Functions = {
  and: (given) => given.find((value) => !truthy(value)) ?? given.at(-1) ?? null,
  default: ([fallback = null, value = null]) => (truthy(value) ? value : fallback),
  eq: ([left, right]) => left === right,
  fail: ([message = null]) => {
    throw new Error(String(message));
  },
  fromYaml: ([text = null]) => parse(String(text)),
  gt: ([left, right]) => Number(left) > Number(right),
  int: ([value = null]) => Math.trunc(Number(value)),
  pick: ([map = null, ...keys]) =>
    isMap(map) ? Object.fromEntries(Object.entries(map).filter(([key]) => keys.includes(key))) : null,
  // Go's flag for many lines is a prefix of the expression.
  regexMatch: ([expression, text]) => new RegExp(String(expression).replace(/^\(\?m\)/, ''), 'm').test(String(text)),
  sha256sum: ([text = null]) => createHash('sha256').update(String(text)).digest('hex'),
  not: ([value = null]) => !truthy(value),
  quote: ([value = null]) => JSON.stringify(String(value)),
  toYaml: ([value = null]) => stringify(value).trimEnd(),
  nindent: ([width, text]) => `\n${String(text).replaceAll(/^/gm, ' '.repeat(Number(width)))}`,
};

/**
 * Renders the chart as `helm template` does, with values over those of `values.yaml`.
 *
 * @throws Error when the values are not what `values.schema.json` asks for, or a template does what is not known here
 */
export function renderChart(values: JsonMap = {}): Release {
  const merged = mergeValues(parse(readRepositoryFile(`${CHART}/values.yaml`)), values);
  const validate = new Ajv({ strict: false }).compile(JSON.parse(readRepositoryFile(`${CHART}/values.schema.json`)));
  if (!validate(merged)) throw new Error(validate.errors?.map((error) => JSON.stringify(error)).join('\n'));
  const chart: { readonly appVersion: string } = parse(readRepositoryFile(`${CHART}/Chart.yaml`));
  const dot = {
    Values: merged,
    Chart: { AppVersion: chart.appVersion },
    Release: { Name: 'shop', Namespace: 'priced-api', Service: 'Helm' },
  };
  const template = new Template(FUNCTIONS);
  // Every file is read before one is rendered: a file may include what a later one defines.
  const files = readdirSync(repositoryPath(`${CHART}/templates`)).map((name) => ({
    name,
    render: template.load(readRepositoryFile(`${CHART}/templates/${name}`)),
  }));
  const rendered = files.map(({ name, render }) => ({ name, text: render(dot) }));
  return {
    manifests: rendered.filter(({ name }) => name.endsWith('.yaml')).flatMap(({ text }) => parseManifests(text)),
    notes: rendered.find(({ name }) => name === 'NOTES.txt')?.text ?? '',
  };
}

/** Maps are merged, everything else is replaced. */
function mergeValues(base: Json, over: Json): Json {
  if (!isMap(base) || !isMap(over)) return over;
  const merged = Object.entries(over).map(([key, value]) => [key, mergeValues(base[key] ?? null, value)] as const);
  return { ...base, ...Object.fromEntries(merged) };
}

import type { ArgumentPlace, BodyForm, QueryStyle, ToolArgument } from '../domain/api-tool.ts';
import { isJsonObject } from '../domain/payment.ts';
import type { Json, JsonObject } from '../domain/x402.ts';
import { resolveReference } from '../openapi/reference.ts';

/** An argument of a tool with what is known of its values. */
export interface ToolInput extends ToolArgument {
  /** JSON Schema, whose references lead into the API's description. */
  readonly schema: JsonObject;
  readonly description: string | undefined;
}

/** An operation, as far as its arguments depend on it. */
export interface CalledOperation {
  readonly method: string;
  /** The methods, where a request may use any of several. */
  readonly methods?: readonly [string, ...string[]];
  readonly template: string;
  /** Whether the last parameter of the path stands for any number of segments. */
  readonly hasRest?: boolean;
  /** The described operation. Where nothing is described, it has path parameters only, and any body is accepted. */
  readonly operation: JsonObject;
}

/**
 * Headers that the client or the gateway sets: they are no arguments for a model. Payments, passes and keys come with
 * the message and its head.
 */
const NO_ARGUMENTS =
  /^(?:accept.*|authorization|connection|content-.*|cookie|expect|forwarded|host|if-.*|keep-alive|origin|payment.*|proxy.*|range|referer|sec-.*|sign-in-with-x|te|trailer|transfer-encoding|upgrade|user-agent|x-payment.*|x402.*|x-forwarded-.*)$/i;

/** Methods whose requests have no body that an API would read. */
const BODILESS: ReadonlySet<string> = new Set(['GET', 'HEAD']);

/**
 * The arguments of an operation: the parameters of its path, query and head, and its body. `undefined` where it needs
 * an input that no argument can hold, such as an upload of files.
 */
export function toolInputs(root: JsonObject, called: CalledOperation): readonly ToolInput[] | undefined {
  const names = new ArgumentNames();
  const parameters = listOf(called.operation['parameters']).flatMap((each): readonly JsonObject[] => {
    const parameter = resolveReference(root, each);
    return parameter === undefined ? [] : [parameter];
  });
  const inputs = [
    ...methodInput(called, names),
    ...pathInputs(called, parameters, names),
    ...parameters.flatMap((parameter) => fieldInput(parameter, names)),
  ];
  if (called.methods !== undefined) return [...inputs, ...undescribedInputs(called, names)];
  if (parameters.some(isOutOfReach)) return undefined;
  const body = bodyInput(root, called, names);
  return body === 'none' ? inputs : body && [...inputs, body];
}

/** Longest name of an argument, in characters. */
const MOST_CHARACTERS = 64;

/**
 * Unique names of arguments: a body, a query and a path may use the same name. Models' APIs refuse all tools of a client
 * where one argument has another character, such as those of `filter[name]` and `$top`, or a longer name.
 */
class ArgumentNames {
  readonly #taken = new Set<string>();

  take(wanted: string, place: string): string {
    const plain = plainName(wanted);
    for (let count = 0; ; count += 1) {
      const front = ['', `${place}_`][count] ?? `${place}_${count}_`;
      const name = (front + plain).slice(0, MOST_CHARACTERS);
      if (!this.#taken.has(name)) {
        this.#taken.add(name);
        return name;
      }
    }
  }
}

function plainName(wanted: string): string {
  const plain = wanted.replace(/[^A-Za-z0-9_.-]+/g, '_');
  return (plain === wanted ? plain : plain.replace(/^_+|_+$/g, '')) || 'argument';
}

function methodInput({ methods = [''] }: CalledOperation, names: ArgumentNames): readonly ToolInput[] {
  const [first, ...others] = methods;
  if (first === undefined || others.length === 0) return [];
  const description = `Method of the request. Default: ${first}.`;
  const schema = { type: 'string', enum: methods };
  const place: ArgumentPlace = { kind: 'method', methods: [first, ...others] };
  return [{ name: names.take('method', 'http'), required: false, place, schema, description }];
}

function pathInputs(
  { template, hasRest = false }: CalledOperation,
  parameters: readonly JsonObject[],
  names: ArgumentNames,
): readonly ToolInput[] {
  const wanted = [...template.matchAll(/\{([^{}]*)\}/g)].map(([, name = '']) => name);
  return [...new Set(wanted)].map((name, index, all) => {
    const told = parameters.find((each) => each['in'] === 'path' && each['name'] === name) ?? {};
    const rest = hasRest && index === all.length - 1;
    const place: ArgumentPlace = { kind: 'path', name, rest };
    return { name: names.take(name, 'path'), required: !rest, place, ...saidOf(told) };
  });
}

function fieldInput(parameter: JsonObject, names: ArgumentNames): readonly ToolInput[] {
  const { name, in: place, required } = parameter;
  if (typeof name !== 'string') return [];
  const common = { required: required === true, ...saidOf(parameter) };
  if (place === 'query') {
    const style = styleOf(parameter);
    return [{ name: names.take(name, 'query'), place: { kind: 'query', name, style }, ...common }];
  }
  if (place !== 'header' || NO_ARGUMENTS.test(name)) return [];
  return [{ name: names.take(name, 'header'), place: { kind: 'header', name }, ...common }];
}

/** Whether a required parameter cannot be an argument, because it is a cookie. */
function isOutOfReach({ in: place, required }: JsonObject): boolean {
  return place === 'cookie' && required === true;
}

function styleOf({ style = 'form', explode }: JsonObject): QueryStyle {
  const joined = explode === undefined ? style !== 'form' : explode === false;
  const delimiter = style === 'spaceDelimited' ? ' ' : style === 'pipeDelimited' ? '|' : ',';
  return { delimiter: joined && style !== 'deepObject' ? delimiter : undefined, deep: style === 'deepObject' };
}

/** OpenAPI 3.1 has examples and descriptions beside the schema. */
function saidOf(node: JsonObject): Pick<ToolInput, 'schema' | 'description'> {
  const { content, description } = node;
  const [media] = isJsonObject(content) ? Object.values(content) : [];
  const schema = isJsonObject(media) ? media['schema'] : node['schema'];
  return {
    schema: isJsonObject(schema) ? schema : { type: 'string' },
    description: typeof description === 'string' ? description : undefined,
  };
}

function undescribedInputs({ methods = ['GET'] }: CalledOperation, names: ArgumentNames): readonly ToolInput[] {
  const query: ToolInput = {
    name: names.take('query', 'any'),
    required: false,
    place: { kind: 'any_query' },
    schema: { type: 'object' },
    description: 'Parameters of the query, by their names.',
  };
  if (methods.every((method) => BODILESS.has(method))) return [query];
  const place: ArgumentPlace = { kind: 'body', form: 'json', mimeType: 'application/json' };
  const description = 'Body of the request, sent as JSON.';
  return [query, { name: names.take('body', 'request'), required: false, place, schema: {}, description }];
}

/** The body that an operation takes; `undefined` where it has to be one that no argument can hold. */
function bodyInput(
  root: JsonObject,
  { method, operation }: CalledOperation,
  names: ArgumentNames,
): ToolInput | 'none' | undefined {
  const described = resolveReference(root, operation['requestBody']);
  if (described === undefined || BODILESS.has(method)) return 'none';
  const required = described['required'] === true;
  const types = isJsonObject(described['content']) ? Object.entries(described['content']) : [];
  for (const form of FORMS) {
    const [mimeType, media] = types.find(([type]) => form.fits.test(type)) ?? [];
    if (mimeType === undefined) continue;
    const { schema, description } = saidOf(isJsonObject(media) ? media : {});
    const place: ArgumentPlace = { kind: 'body', form: form.name, mimeType: form.sentAs ?? mimeType };
    const own = described['description'];
    const said = typeof own === 'string' ? own : description;
    const fitting = form.name === 'text' ? { type: 'string' } : schema;
    return { name: names.take('body', 'request'), required, place, schema: fitting, description: said };
  }
  return required && types.length > 0 ? undefined : 'none';
}

interface Form {
  readonly name: BodyForm;
  readonly fits: RegExp;
  readonly sentAs?: string;
}

/** Forms of bodies, the better ones first. */
const FORMS: readonly Form[] = [
  { name: 'json', fits: /^[^;]*[/+]json\s*(?:;|$)/i },
  { name: 'json', fits: /^\*\/\*|^application\/\*/, sentAs: 'application/json' },
  { name: 'form', fits: /^application\/x-www-form-urlencoded/i },
  { name: 'text', fits: /^(?:text\/|application\/(?:xml|graphql|yaml|x-ndjson|jsonl))/i },
];

function listOf(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? value : [];
}

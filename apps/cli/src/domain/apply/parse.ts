import { Ajv, type ErrorObject } from 'ajv';
import { isAlias, isMap, isScalar, LineCounter, parseDocument, visit, type Document, type Node } from 'yaml';
import { ModelFile } from './schema.js';

/** Something wrong with the file, with the place of it. */
export interface FileProblem {
  /** From 1. */
  readonly line: number;
  readonly column: number;
  /** Way to the field, such as serving.batching.maxBatchSize; empty for the whole. */
  readonly at: string;
  readonly reason: string;
  readonly cure: string | undefined;
}

export type Parsed = { readonly file: ModelFile; readonly problems?: undefined } | { readonly file?: undefined; readonly problems: readonly FileProblem[] };

type Step = string | number;
const ajv = new Ajv({ allErrors: true, strict: true, strictTypes: false, allowUnionTypes: true, verbose: true });
const validate = ajv.compile<ModelFile>(ModelFile);
const ENVIRONMENT = /\$\{[A-Za-z_]\w*\}/;
const MAX_PROBLEMS = 20;

/** Reads a model's file as YAML 1.2; every problem has its line and column. */
export function parseModelFile(text: string): Parsed {
  const lines = new LineCounter();
  const document = parseDocument(text, { version: '1.2', lineCounter: lines, uniqueKeys: true, prettyErrors: false });
  const place = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  const broken = [...document.errors, ...document.warnings].map(({ message, pos: [offset] }): FileProblem => ({ ...place(offset), at: '', reason: message, cure: cureOfSyntax(message) }));
  if (broken.length > 0) return { problems: broken };
  const literal = environmentProblems(document, place);
  if (literal.length > 0) return { problems: literal };
  const value: unknown = document.toJS();
  if (validate(value)) return { file: value };
  const problems = telling(validate.errors ?? []).map((error): FileProblem => {
    const { path, onKey } = pathOf(error);
    return { ...place(offsetOf(document, path, onKey)), at: path.join('.'), ...explain(error, path) };
  });
  return { problems: problems.toSorted((a, b) => a.line - b.line || a.column - b.column).slice(0, MAX_PROBLEMS) };
}

/** Nobody reads the environment into this file: what looks like it would be taken literally. */
function environmentProblems(document: Document, place: (offset: number) => { line: number; column: number }): FileProblem[] {
  const problems: FileProblem[] = [];
  visit(document, {
    Scalar: (_key, node) => {
      const found = typeof node.value === 'string' ? ENVIRONMENT.exec(node.value) : null;
      if (found !== null) problems.push({ ...place(node.range?.[0] ?? 0), at: '', reason: `${found[0]} would stand here literally: the environment is not read into this file`, cure: 'Write the value itself, or make the file with a tool of your choice, such as envsubst.' });
    },
  });
  return problems;
}

/** Of an alternative's many errors those of the branch that was meant: the one whose `kind` fits; else the one that says which alternatives there are. */
function telling(errors: readonly ErrorObject[]): ErrorObject[] {
  const alternatives = errors.filter(({ keyword }) => keyword === 'anyOf');
  const kept = errors.filter((error) => {
    const parent = alternatives.find(({ instancePath, schemaPath }) => isWithin(error.instancePath, instancePath) && error.schemaPath !== schemaPath && error.schemaPath.startsWith(`${schemaPath}/`));
    return parent === undefined ? error.keyword !== 'anyOf' || !hasBranch(error, errors) : isOfMeantBranch(error, parent);
  });
  return kept.filter((error, index) => kept.findIndex((other) => other.instancePath === error.instancePath && other.message === error.message && JSON.stringify(other.params) === JSON.stringify(error.params)) === index);
}

interface Branch {
  readonly properties?: { readonly kind?: { readonly const?: unknown } };
}

/** Index of the alternative whose `kind` the value has; -1 if there is none. */
const meantBranch = ({ schema, data }: ErrorObject): number =>
  (schema as Branch[]).findIndex(({ properties }) => properties?.kind?.const !== undefined && properties.kind.const === (data as { kind?: unknown } | null)?.kind);
const hasBranch = (error: ErrorObject, errors: readonly ErrorObject[]): boolean => meantBranch(error) !== -1 && errors.some((other) => other !== error && isOfMeantBranch(other, error));
const isOfMeantBranch = (error: ErrorObject, parent: ErrorObject): boolean => error.schemaPath.startsWith(`${parent.schemaPath}/${meantBranch(parent)}/`);
const isWithin = (path: string, of: string): boolean => path === of || path.startsWith(`${of}/`);

const steps = (instancePath: string): Step[] => instancePath.split('/').slice(1).map((step) => (/^\d+$/.test(step) ? Number(step) : step.replaceAll('~1', '/').replaceAll('~0', '~')));

/** Where the fault is: an unknown field at its key. */
function pathOf({ instancePath, keyword, params }: ErrorObject): { path: Step[]; onKey: boolean } {
  const path = steps(instancePath);
  return keyword === 'additionalProperties' ? { path: [...path, String(params['additionalProperty'])], onKey: true } : { path, onKey: keyword === 'required' };
}

function offsetOf(document: Document, path: readonly Step[], onKey: boolean): number {
  let node: unknown = document.contents;
  let keyOffset = 0;
  for (const step of path) {
    const inner = isAlias(node) ? node.resolve(document) : node;
    if (isMap(inner)) {
      const pair = inner.items.find(({ key }) => isScalar(key) && String(key.value) === String(step));
      keyOffset = (pair?.key as Node | undefined)?.range?.[0] ?? keyOffset;
      node = pair?.value;
    } else node = (inner as { get?: (key: Step, keepScalar: boolean) => unknown } | null)?.get?.(step, true);
  }
  const valueOffset = (node as Node | null | undefined)?.range?.[0];
  return onKey ? keyOffset : (valueOffset ?? keyOffset);
}

function explain({ keyword, params, message, schema, parentSchema, data }: ErrorObject, path: readonly Step[]): { reason: string; cure: string | undefined } {
  const where = path.length === 0 ? 'the file' : `“${path.join('.')}”`;
  const described = (parentSchema as { description?: string } | undefined)?.description;
  switch (keyword) {
    case 'additionalProperties': {
      const known = Object.keys((parentSchema as { properties?: object }).properties ?? {});
      const meant = nearest(String(params['additionalProperty']), known);
      return { reason: `${where} is no field of this file`, cure: meant === undefined ? `Fields here are ${known.join(', ')}.` : `Did you mean “${meant}”?` };
    }
    case 'required': {
      const field = String(params['missingProperty']);
      const about = (parentSchema as { properties?: Record<string, { description?: string }> }).properties?.[field]?.description;
      return { reason: `${where} lacks “${field}”`, cure: about === undefined ? `Add ${field}.` : `Add ${field}: ${about}.` };
    }
    case 'anyOf': {
      const choices = (schema as { const?: unknown; properties?: { kind?: { const?: unknown } } }[]).map((one) => one.const ?? one.properties?.kind?.const).filter((one) => one !== undefined);
      return { reason: `${where} is ${shown(data)}, which is none of what may stand here`, cure: choices.length > 0 ? `Write one of ${choices.join(', ')}.` : meaning(described) };
    }
    case 'const':
      return { reason: `${where} must be ${JSON.stringify(params['allowedValue'])}, not ${shown(data)}`, cure: meaning(described) };
    case 'type':
      return { reason: `${where} must be ${article(String(params['type']))}, not ${shown(data)}`, cure: yamlHint(String(params['type']), data) ?? (meaning(described)) };
    default:
      return { reason: `${where} ${message ?? 'is invalid'}`, cure: meaning(described) };
  }
}

const meaning = (description: string | undefined): string | undefined => (description === undefined ? undefined : `Meaning: ${description}.`);
const article = (type: string): string => (/^(integer|object|array)/.test(type) ? `an ${type}` : `a ${type}`);
const shown = (value: unknown): string => (typeof value === 'object' && value !== null ? (Array.isArray(value) ? 'a list' : 'a group of fields') : JSON.stringify(value));

/** What YAML 1.2 reads otherwise than people expect. */
function yamlHint(wanted: string, value: unknown): string | undefined {
  if (wanted === 'boolean' && typeof value === 'string' && /^(yes|no|on|off)$/i.test(value)) return 'In YAML 1.2 only true and false are truth values.';
  if (wanted === 'string' && (typeof value === 'number' || typeof value === 'boolean')) return `Quote it: "${String(value)}".`;
  if (wanted === 'number' && typeof value === 'string') return 'Write it without quotes and units.';
  return undefined;
}

function cureOfSyntax(message: string): string | undefined {
  if (/tab/i.test(message)) return 'Indent with spaces.';
  if (/unique/i.test(message)) return 'Keep one of the two.';
  return undefined;
}

/** The known word that the given one probably was to be. */
function nearest(word: string, known: readonly string[]): string | undefined {
  const longer = known.filter((one) => one.startsWith(word));
  if (longer.length === 1) return longer[0];
  const [best] = known.map((one) => ({ one, distance: editDistance(word.toLowerCase(), one.toLowerCase()) })).toSorted((a, b) => a.distance - b.distance);
  return best !== undefined && best.distance <= Math.max(1, Math.floor(word.length / 3)) ? best.one : undefined;
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) next[j] = Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1));
    row = next;
  }
  return row[b.length]!;
}

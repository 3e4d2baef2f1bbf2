import { ContractError, type Fallback, type ModelSignature, type ServedVersion, type TensorSpec } from '@throughline/contracts';
import { rowWidth } from './signature.js';
import type { FallbackChoice } from './serving-policy.js';

type Constant = Extract<Fallback, { kind: 'constant' }>;
type Served = (version: number) => ServedVersion;

/** Versions that fallbacks name. */
export const versionsOfFallbacks = (fallbacks: readonly FallbackChoice[]): number[] => fallbacks.flatMap((choice) => ('version' in choice && choice.version !== undefined ? [choice.version] : []));

/** Whether somebody wants the champion before the present one, whichever that is. */
export const wantsPreviousChampion = (fallbacks: readonly FallbackChoice[]): boolean => fallbacks.some((choice) => choice.kind === 'previous_version' && choice.version === undefined);

/**
 * The fallbacks as workers need them. Left out are versions that are the champion itself, and the champion before the present one where there
 * is none, or none whose answers look like the present one’s.
 *
 * @param previous the champion before the present one
 */
export function resolveFallbacks(fallbacks: readonly FallbackChoice[], champion: ServedVersion | undefined, previous: number | undefined, served: Served): Fallback[] {
  return fallbacks.flatMap((choice): Fallback[] => {
    if (choice.kind === 'last_known_good') return [choice];
    if (choice.kind === 'constant') return [withScore(choice, champion?.signature)];
    const version = choice.version ?? previous;
    if (version === undefined || String(version) === champion?.version) return [];
    // Fallbacks count in no profile, and a profile can be most of an event.
    const { baselineProfile: _, ...standIn } = served(version);
    const fits = choice.version !== undefined || champion === undefined || outputMismatch(champion, standIn) === undefined;
    return fits ? [{ kind: choice.kind, served: standIn }] : [];
  });
}

/**
 * Refuses fallbacks whose answers would not look like the champion's: whoever reads the answers reads these.
 *
 * @throws ContractError `invalid_request`, naming the fallback and the output
 */
export function checkFallbacks(fallbacks: readonly FallbackChoice[], champion: ServedVersion | undefined, served: Served): void {
  for (const [index, choice] of fallbacks.entries()) {
    const at = `fallbacks.${index}`;
    if (choice.kind === 'constant' && champion !== undefined) checkConstant(choice, champion, at);
    if (choice.kind === 'rules' && served(choice.version).format !== 'rules') {
      throw refuse(`${at}.version: version ${choice.version} is no rules document`, 'Name a version that is one, or make its kind previous_version.');
    }
    if ((choice.kind !== 'rules' && choice.kind !== 'previous_version') || choice.version === undefined || champion === undefined) continue;
    const mismatch = outputMismatch(champion, served(choice.version));
    if (mismatch !== undefined) throw refuse(`${at}.version: version ${choice.version} ${mismatch}`, `A fallback answers with the outputs of the champion, version ${champion.version}: name one that does, or change the fallbacks in the same request as the champion.`);
  }
}

/** Whether `checkFallbacks` would let them pass. */
export function fallbacksFit(fallbacks: readonly FallbackChoice[], champion: ServedVersion, served: Served): boolean {
  try {
    checkFallbacks(fallbacks, champion, served);
    return true;
  } catch (error) {
    if (error instanceof ContractError) return false;
    throw error;
  }
}

/** Numbers stand in for numbers: whoever reads JSON sees no float32. */
const familyOf = (datatype: string): string => (datatype === 'BYTES' ? 'text' : datatype === 'BOOL' ? 'true or false' : 'numbers');

/** How the answers of `standIn` differ from the champion's in what they lack or mean; `undefined` if in nothing. */
function outputMismatch(champion: ServedVersion, standIn: ServedVersion): string | undefined {
  const others = new Map(standIn.signature.outputs.map((output) => [output.name, output]));
  for (const output of champion.signature.outputs) {
    const other = others.get(output.name);
    const width = rowWidth(output);
    if (other === undefined) {
      // An expression gives one value, so that rules cannot have it.
      if (standIn.format === 'rules' && width !== 1) continue;
      return `has no output “${output.name}”`;
    }
    if (familyOf(other.datatype) !== familyOf(output.datatype)) return `gives ${familyOf(other.datatype)} as “${output.name}”, and the champion ${familyOf(output.datatype)}`;
    const otherWidth = rowWidth(other);
    if (width !== undefined && otherWidth !== undefined && width !== otherWidth) return `gives ${otherWidth} value(s) a row as “${output.name}”, and the champion ${width}`;
  }
  return champion.signature.score !== undefined && standIn.signature.score === undefined ? 'has no score, and the champion has' : undefined;
}

function checkConstant({ outputs }: Constant, { version, signature }: ServedVersion, at: string): void {
  const known = new Map(signature.outputs.map((output) => [output.name, output]));
  const cure = `The outputs of the champion, version ${version}, are ${signature.outputs.map(describe).join('; ')}.`;
  const unknown = Object.keys(outputs).find((name) => !known.has(name));
  if (unknown !== undefined) throw refuse(`${at}.outputs: the champion has no output “${unknown.slice(0, 100)}”`, cure);
  for (const output of signature.outputs) {
    if (!Object.hasOwn(outputs, output.name)) throw refuse(`${at}.outputs lacks “${output.name}”`, cure);
    const values = outputs[output.name] as unknown[];
    const width = rowWidth(output);
    if (width !== undefined && values.length !== width) throw refuse(`${at}.outputs.${output.name} has ${values.length} value(s) in place of ${width}`, cure);
    const wrong = values.findIndex((value) => !isOf(output.datatype, value));
    if (wrong !== -1) throw refuse(`${at}.outputs.${output.name}.${wrong} is no value of ${output.datatype}`, cure);
  }
}

function isOf(datatype: string, value: unknown): boolean {
  if (datatype === 'BYTES') return typeof value === 'string';
  if (datatype === 'BOOL') return typeof value === 'boolean';
  if (datatype === 'INT64') return Number.isSafeInteger(value) || (typeof value === 'string' && /^-?\d{1,18}$/.test(value));
  return datatype === 'INT32' ? Number.isInteger(value) && value === ((value as number) | 0) : typeof value === 'number';
}

/** A constant without a score of its own has the one that its outputs hold. */
function withScore(constant: Constant, signature: ModelSignature | undefined): Constant {
  const place = signature?.score;
  if (constant.score !== undefined || place === undefined) return constant;
  const value: unknown = constant.outputs[place.output]?.[place.index];
  const score = value === undefined ? NaN : Number(value);
  return Number.isFinite(score) ? { ...constant, score } : constant;
}

const describe = (output: TensorSpec): string => `“${output.name}”, ${rowWidth(output) ?? 'any number of'} value(s) of ${output.datatype}`;
const refuse = (reason: string, cure: string): ContractError => new ContractError('invalid_request', reason, { cure });

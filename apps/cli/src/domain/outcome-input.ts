import { ContractError, whyInvalid, type OutcomeObserved } from '@throughline/contracts';

/** `true`, `false` and numbers are taken as such, everything else as text; quotes force text: `"1"`. */
export function readValue(text: string): OutcomeObserved['value'] {
  if (text === 'true' || text === 'false') return text === 'true';
  if (/^-?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text)) return Number(text);
  return /^".*"$/s.test(text) ? text.slice(1, -1) : text;
}

/**
 * One outcome a line, as the `data` of `outcome.observed`; empty lines are skipped.
 *
 * @throws ContractError `schema_invalid` naming the first line that is not one
 */
export function readLines(text: string): OutcomeObserved[] {
  return text.split('\n').flatMap((line, index) => (line.trim() === '' ? [] : [readLine(line, index + 1)]));
}

/** The data of an outcome, as a line of a file has it. */
export const EXAMPLE_LINE = '{"predictionId":"7b76029e-19dc-5779-9358-6c2488af76f8","value":true,"source":"my-system","sequence":0,"occurredAt":"2026-11-21T10:00:00Z"}';
const LINE_CURE = `Send one JSON object a line, such as ${EXAMPLE_LINE}`;

function readLine(line: string, number: number): OutcomeObserved {
  let data: unknown;
  try {
    data = JSON.parse(line);
  } catch (error) {
    throw new ContractError('schema_invalid', `line ${number} is not JSON: ${(error as Error).message}`, { cure: LINE_CURE });
  }
  checkOutcome(data, { where: `line ${number}: `, cure: LINE_CURE });
  return data;
}

const FLAG_OF: Readonly<Record<string, string>> = { predictionId: '--prediction', requestSource: '--request-source', requestId: '--request-id', occurredAt: '--occurred-at' };

/**
 * The same for data made of flags, in whose names it speaks.
 *
 * @throws ContractError `schema_invalid`
 */
export function checkFlags(data: unknown): asserts data is OutcomeObserved {
  try {
    checkOutcome(data, { naming: 'Give --prediction, or --request-source and --request-id.', cure: 'See `npx throughline outcomes push --help`.' });
  } catch (error) {
    if (!(error instanceof ContractError)) throw error;
    throw new ContractError(error.code, error.message.replace(/^data\.(\w+)/, (_, field: string) => FLAG_OF[field] ?? `--${field}`), { cure: error.cure });
  }
}

interface Advice {
  /** Precedes the reason. */
  readonly where?: string;
  readonly cure?: string;
  /** The cure when no prediction is named. */
  readonly naming?: string;
}

const NAMING = 'Give predictionId, or requestSource and requestId, or correlationKey.';

/** @throws ContractError `schema_invalid` */
export function checkOutcome(data: unknown, { where = '', cure, naming = NAMING }: Advice = {}): asserts data is OutcomeObserved {
  const reason = whyInvalid('outcome.observed.v1', data);
  if (reason !== undefined) throw new ContractError('schema_invalid', `${where}${reason}`, cure === undefined ? undefined : { cure });
  const { predictionId, requestSource, requestId, correlationKey } = data as OutcomeObserved;
  const isNamed = predictionId !== undefined || (requestSource !== undefined && requestId !== undefined) || correlationKey !== undefined;
  if (!isNamed) throw new ContractError('schema_invalid', `${where}it names no prediction`, { cure: naming });
}

/** Outcomes of one prediction keep their order. */
export const keyOf = ({ predictionId, requestSource, requestId, correlationKey }: OutcomeObserved): string =>
  predictionId ?? (requestSource !== undefined && requestId !== undefined ? `${requestSource}|${requestId}` : `${correlationKey?.model}|${correlationKey?.entityRole}|${correlationKey?.entityId}`);

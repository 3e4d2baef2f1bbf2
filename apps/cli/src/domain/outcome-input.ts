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

function readLine(line: string, number: number): OutcomeObserved {
  let data: unknown;
  try {
    data = JSON.parse(line);
  } catch (error) {
    throw new ContractError('schema_invalid', `line ${number} is not JSON: ${(error as Error).message}`);
  }
  checkOutcome(data, `line ${number}: `);
  return data;
}

/** @throws ContractError `schema_invalid` */
export function checkOutcome(data: unknown, where = ''): asserts data is OutcomeObserved {
  const reason = whyInvalid('outcome.observed.v1', data);
  if (reason !== undefined) throw new ContractError('schema_invalid', `${where}${reason}`);
  const { predictionId, requestSource, requestId, correlationKey } = data as OutcomeObserved;
  const isNamed = predictionId !== undefined || (requestSource !== undefined && requestId !== undefined) || correlationKey !== undefined;
  if (!isNamed) throw new ContractError('schema_invalid', `${where}it names no prediction`, { cure: 'Give predictionId, or requestSource and requestId, or correlationKey.' });
}

/** Outcomes of one prediction keep their order. */
export const keyOf = ({ predictionId, requestSource, requestId, correlationKey }: OutcomeObserved): string =>
  predictionId ?? (requestSource !== undefined && requestId !== undefined ? `${requestSource}|${requestId}` : `${correlationKey?.model}|${correlationKey?.entityRole}|${correlationKey?.entityId}`);

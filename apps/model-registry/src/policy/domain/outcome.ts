import type { OutcomeDeclaration } from '@throughline/contracts';
import { compileOutcomeExpression, RulesError } from '@throughline/rules';

/** What is wrong with something that a policy says, where, and what to do about it if that is more than to look at an example. */
export interface PolicyFault {
  readonly reason: string;
  readonly cure?: string;
}

/** What is wrong with a declaration of outcomes beyond its form; `undefined` if nothing is. */
export function outcomeFault({ expression, whenMissing, maturitySeconds }: OutcomeDeclaration): PolicyFault | undefined {
  if (whenMissing === 'negative' && maturitySeconds === undefined) {
    return { reason: 'outcome.whenMissing is negative, and outcome.maturitySeconds does not say after how long an outcome is missing', cure: 'Say it, for example maturitySeconds: 2592000 for 30 days.' };
  }
  return expression === undefined ? undefined : expressionFault(expression);
}

function expressionFault(expression: string): PolicyFault | undefined {
  try {
    compileOutcomeExpression(expression);
    return undefined;
  } catch (error) {
    if (!(error instanceof RulesError)) throw error;
    const place = error.position === undefined ? 'outcome.expression' : `outcome.expression, character ${error.position}`;
    return { reason: `${place}: ${error.reason}`, cure: error.cure };
  }
}

/** What is wrong with a declaration for versions that answer with a number; `undefined` if nothing is. */
export function regressionFault({ whenMissing }: Partial<OutcomeDeclaration>, regressionVersions: readonly (number | string)[]): PolicyFault | undefined {
  if (whenMissing !== 'negative' || regressionVersions.length === 0) return undefined;
  return { reason: `outcome.whenMissing is negative, and version ${regressionVersions[0]} is a regression: a number that did not come is no “no”`, cure: 'Leave whenMissing out: predictions without an outcome then mature without a label.' };
}

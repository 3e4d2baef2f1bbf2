import type { RulesFeature } from './document.js';
import { RulesError } from './errors.js';
import { compileExpression } from './expression.js';
import { environmentOf, type RulesType } from './language.js';

/** What an outcome event brings to the expression that computes its truth. */
export interface OutcomeVariables {
  /** The number; 1 and 0 of true and false; NaN of text. */
  readonly value: number;
  /** The text; empty of anything else. */
  readonly text: string;
  /** System that says so. */
  readonly source: string;
  /** The outcome's event time minus the prediction's. */
  readonly delaySeconds: number;
}

/** A declaration's expression, checked. */
export interface OutcomeExpression {
  readonly type: 'double' | 'int' | 'bool';
  /** @throws Error of the language for an event that it cannot be computed of; its `code` says why and holds nothing of the event */
  readonly evaluate: (variables: OutcomeVariables) => number | boolean;
}

const KINDS = { value: 'numeric', text: 'categorical', source: 'categorical', delaySeconds: 'numeric' } as const satisfies Record<keyof OutcomeVariables, RulesFeature['kind']>;
export const OUTCOME_VARIABLES = Object.keys(KINDS) as (keyof OutcomeVariables)[];

const environment = environmentOf(OUTCOME_VARIABLES.map((name) => ({ name, kind: KINDS[name] })));
const kindOf = (name: string): RulesType | undefined => (Object.hasOwn(KINDS, name) ? (KINDS[name as keyof OutcomeVariables] === 'numeric' ? 'double' : 'string') : undefined);
const unknown = (name: string) => ({ reason: `there is no “${name}”`, cure: `Use ${OUTCOME_VARIABLES.join(', ')}; text belongs in quotes.` });

/** Name under which errors speak of it. */
const PLACE = 'outcome';

/**
 * Compiles the expression by which a model declares how the truth follows from an outcome event.
 *
 * @example compileOutcomeExpression('text == "churned" && delaySeconds < 2592000').type // 'bool'
 * @throws RulesError with position and cure; also when it yields text
 */
export function compileOutcomeExpression(text: string): OutcomeExpression {
  const { type, evaluate } = compileExpression(PLACE, text, environment, kindOf, unknown);
  if (type === 'string') throw new RulesError('it yields text, and the truth is a number, true or false', { output: PLACE, cure: 'Compare it, as in text == "late".' });
  return {
    type,
    evaluate: (variables) => {
      const result = evaluate({ ...variables });
      return typeof result === 'boolean' ? result : Number(result);
    },
  };
}

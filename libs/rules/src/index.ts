export * from './compile.js';
export { MAX_DOCUMENT_BYTES, type RulesDocument, type RulesFeature, type RulesTask } from './document.js';
export * from './errors.js';
export { RULES_LANGUAGE } from './language.js';
export { compileOutcomeExpression, OUTCOME_VARIABLES, type OutcomeExpression, type OutcomeVariables } from './outcome-expression.js';
export { RULES_RUNTIME } from './runtime.js';

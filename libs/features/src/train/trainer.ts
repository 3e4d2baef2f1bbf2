/** What a model fitted by `trainLogisticRegression` says of its making: the release is the commit that a running service knows. */
export const LOGISTIC_REGRESSION_TRAINER = {
  trainer: 'throughline logistic regression',
  trainerVersion: '0.1.0',
  codeCommit: '@throughline/features@0.1.0',
} as const;

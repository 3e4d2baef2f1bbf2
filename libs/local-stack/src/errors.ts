/** Why a local Kafka or PostgreSQL cannot run, with what to do about it. */
export class LocalStackError extends Error {
  override readonly name = 'LocalStackError';

  constructor(
    problem: string,
    readonly cure: string,
    options?: ErrorOptions,
  ) {
    super(`${problem}\n${cure}`, options);
  }
}

/** What the parameters in the registry's addresses are, for its OpenAPI; `domain/names.ts` checks them. */
export const PATH_PARAMETERS = {
  name: { description: 'name of a model', example: 'flight-delay', schema: { pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,199}$' } },
  version: { description: 'number of a version', example: '2', schema: { pattern: '^[1-9][0-9]{0,8}$' } },
  alias: { description: 'name of an alias', example: 'challenger', schema: { pattern: '^[A-Za-z][A-Za-z0-9._-]{0,99}$' } },
  id: { description: 'of a rollout', example: '3f0e6c8e-3b0a-4f64-9a57-0a4f7a1d2b11', schema: { format: 'uuid' } },
  event: { description: 'number of an event of the rollout', example: '17', schema: { pattern: '^[0-9]{1,18}$' } },
  model_id: { description: 'of a logged model of MLflow', example: 'm-4c2e1f0a9b8c7d6e0b5f1c8d9e7a4b3c' },
  tag_key: { description: 'name of a tag', example: 'team' },
  sha256: { description: 'SHA-256 of the artifact, in hexadecimal', example: '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08', schema: { pattern: '^[0-9a-f]{64}$' } },
};

import { ContractError } from '@throughline/contracts';
import type { ErrorForm } from '@throughline/http';
import { toFailure } from './errors.js';
import { MLFLOW_OPERATIONS, type DescribedRoute } from './operations.js';

const FAILURE = { type: 'object', required: ['error_code', 'message'], properties: { error_code: { type: 'string' }, message: { type: 'string', description: 'reason and cure' } } };

const OF_A_SEARCH = new Set(['max_results', 'filter']);

/** Below its prefix an error is as MLflow's clients know it. */
export const MLFLOW_ERROR: ErrorForm = {
  prefix: '/api/2.0/',
  contentType: 'application/json',
  schema: FAILURE,
  of: ({ code, detail, cure }) => toFailure(new ContractError(code, detail, { cure })).body,
};

/** The paths of MLflow's API, for OpenAPI: they are no controllers of Nest. */
export function mlflowPaths(): Record<string, Record<string, object>> {
  const paths: Record<string, Record<string, object>> = {};
  for (const described of MLFLOW_OPERATIONS) {
    const path = `/api/2.0/mlflow/${described.path.replaceAll(/:(\w+)/g, '{$1}')}`;
    (paths[path] ??= {})[described.method.toLowerCase()] = operation(described);
  }
  return paths;
}

function operation({ method, path, summary, fields, answer }: DescribedRoute): object {
  const failure = (description: string): object => ({ description, content: { 'application/json': { schema: FAILURE } } });
  return {
    operationId: `Mlflow_${method.toLowerCase()}_${path.replaceAll(/\W+/g, '_')}`,
    summary,
    tags: ['MLflow'],
    parameters: method === 'GET' ? Object.entries(fields).map(([name, example]) => ({ in: 'query', name, required: !OF_A_SEARCH.has(name), example, schema: { type: typeof example === 'number' ? 'integer' : 'string' } })) : [],
    ...(method === 'GET' ? {} : { requestBody: { required: true, content: { 'application/json': { schema: { type: 'object', properties: propertiesOf(fields) }, example: fields } } } }),
    responses: {
      200: { description: 'as MLflow’s clients read it', content: { 'application/json': { schema: { type: 'object' }, example: answer } } },
      404: failure('There is nothing of this name'),
      409: failure('It stands against the current state'),
    },
  };
}

function propertiesOf(fields: DescribedRoute['fields']): Record<string, object> {
  const typeOf = (value: unknown): object => (Array.isArray(value) ? { type: 'array' } : { type: typeof value });
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, typeOf(value)]));
}

import { ContractError } from '@throughline/contracts';

const MAX_PATH_LENGTH = 1000;
const MAX_NAME_LENGTH = 255;

/**
 * The steps of a path below the root of the artifacts; none for the root itself.
 *
 * @throws ContractError `invalid_request` for a path that leaves the root, or that file systems could not hold
 */
export function pathSteps(path: string): string[] {
  const steps = path.replace(/^\/+|\/+$/g, '').split('/').filter((step, index, all) => step !== '' || all.length > 1);
  const isUnsafe = steps.some((step) => step === '' || step === '.' || step === '..' || Buffer.byteLength(step) > MAX_NAME_LENGTH || /[\\\0-\x1f:]/.test(step));
  if (!isUnsafe && path.length <= MAX_PATH_LENGTH && path.isWellFormed()) return steps;
  throw new ContractError('invalid_request', `Invalid path: “${path.slice(0, 100)}”`, { cure: 'Use a relative path of plain names, without “..”, “:” and backslashes.' });
}

const SCHEME = 'mlflow-artifacts:/';

/** Where the files of a run lie, of a logged model, and of a version: paths below the root of the artifacts. */
export const runFolder = (experimentId: string, runId: string): string => `${experimentId}/${runId}/artifacts`;
export const loggedModelFolder = (experimentId: string, modelId: string): string => `${experimentId}/models/${modelId}/artifacts`;
export const VERSIONS_FOLDER = 'versions';
export const versionFolder = (model: string, version: number): string => `${VERSIONS_FOLDER}/${model}/${version}`;

export const artifactUri = (folder: string): string => `${SCHEME}${folder}`;

/** What the source of a version points at. */
export type Source =
  | { readonly kind: 'logged_model'; readonly modelId: string }
  | { readonly kind: 'version'; readonly model: string; readonly version: string }
  | { readonly kind: 'alias'; readonly model: string; readonly alias: string }
  | { readonly kind: 'run'; readonly runId: string; readonly path: string }
  | { readonly kind: 'folder'; readonly path: string };

/** @throws ContractError `invalid_request` for a source that is not kept here */
export function parseSource(source: string): Source {
  const loggedModel = /^models:\/+(m-[0-9a-f]{1,64})\/?$/.exec(source);
  if (loggedModel !== null) return { kind: 'logged_model', modelId: loggedModel[1]! };
  const version = /^models:\/+([^/@]{1,200})\/(\d{1,9})\/?$/.exec(source);
  if (version !== null) return { kind: 'version', model: version[1]!, version: version[2]! };
  const alias = /^models:\/+([^/@]{1,200})@([^/@]{1,100})$/.exec(source);
  if (alias !== null) return { kind: 'alias', model: alias[1]!, alias: alias[2]! };
  const run = /^runs:\/+([^/]{1,64})\/(.+)$/.exec(source);
  if (run !== null) return { kind: 'run', runId: run[1]!, path: pathSteps(run[2]!).join('/') };
  // With or without the server's address: mlflow-artifacts:/path, mlflow-artifacts://host:port/path.
  const folder = /^mlflow-artifacts:(?:\/\/[^/]+)?\/([^/].*)$/.exec(source);
  if (folder !== null) return { kind: 'folder', path: pathSteps(folder[1]!).join('/') };
  throw new ContractError('invalid_request', `Invalid model version source: '${source.slice(0, 200)}'.`, { cure: 'Log the model to this server (mlflow.onnx.log_model), then register runs:/…, models:/m-… or models:/<name>/<version>.' });
}

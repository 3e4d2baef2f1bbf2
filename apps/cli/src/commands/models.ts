import { ContractError } from '@throughline/contracts';
import type { Command } from 'commander';
import { readConfig } from '../config.js';
import { rollbackCommand } from './rollback.js';
import { ask, jsonBody } from '../http.js';
import { Progress, table } from '../terminal.js';
import { readText, uploadVersion } from '../upload.js';

interface Model {
  readonly name: string;
  readonly latestVersion?: string;
  readonly aliases: Readonly<Record<string, string>>;
  readonly revision: number;
  readonly createdAt: string;
}

interface Version {
  readonly model: string;
  readonly version: string;
  readonly artifactSha256: string;
  readonly format: string;
  readonly sizeBytes: number;
  readonly createdAt: string;
  /** What it does not say of its making. */
  readonly missingLineage: readonly string[];
}

const modelsUrl = (): string => `${readConfig(process.env).REGISTRY_URL}/registry/v1/models`;
const versionsUrl = (model: string): string => `${modelsUrl()}/${encodeURIComponent(model)}/versions`;

export function modelsCommand(program: Command): void {
  const models = program.command('models').description('List, upload, promote and roll back models');
  models
    .command('list')
    .argument('[model]', 'list the versions of this model')
    .description('List models, or the versions of one')
    .option('--json', 'print as JSON')
    .addHelpText('after', '\nExamples:\n  npx throughline models list\n  npx throughline models list flight-delay')
    .action(async (model: string | undefined, { json }: { json?: boolean }) => {
      const found = await (model === undefined ? ask<Model[]>(modelsUrl()) : ask<Version[]>(versionsUrl(model)));
      process.stdout.write(`${json === true ? JSON.stringify(found, null, 2) : model === undefined ? renderModels(found as Model[]) : renderVersions(found as Version[])}\n`);
    });
  models
    .command('push')
    .argument('<model>', 'name of the model; with --name, the file to upload')
    .description('Upload an ONNX file or a rules document as a new version; the same upload again is the same version')
    .option('--name <model>', 'name of the model, if the argument is the file')
    .option('--artifact <file>', 'the .onnx or .rules.json file')
    .option('--metadata <file>', 'JSON: {features, task, score, …}, see /openapi.json of the registry; a rules document needs none')
    .option('--signature <file>', 'Ed25519 signature of the artifact, where the registry has trusted keys: openssl pkeyutl -sign -inkey key.pem -rawin -in model.onnx -out model.sig')
    .option('--reference <file>', 'Parquet, JSON Lines or CSV with one column a feature, and score; drift is measured against it')
    .addHelpText('after', `
Examples:
  npx throughline models push flight-delay --artifact model.onnx --metadata metadata.json --reference reference.parquet
  npx throughline models push model.rules.json --name flight-delay

A small metadata.json:
  {"features":[{"name":"hour","kind":"numeric"},{"name":"distance","kind":"numeric"}],"task":"binary_classification","score":{"output":"probability","threshold":0.5},
   "dataset":{"snapshotId":"flights-2001-01"},"codeCommit":"4f2a9c1","metrics":{"auc":0.71}}
A graph whose metadata lacks one of dataset, codeCommit and metrics serves only if somebody answers for it: models promote --override.

A small model.rules.json:
  {"throughlineRules":1,"features":[{"name":"hour","kind":"numeric"}],"outputs":{"probability":"hour >= 17.0 ? 0.4 : 0.15"},"score":"probability","threshold":0.5}`)
    .action(async (argument: string, options: PushOptions) => {
      const { model, ...files } = readPush(argument, options);
      const { version, artifactSha256, sizeBytes, missingLineage } = await push(model, files, new Progress());
      process.stdout.write(`${model} version ${version}: ${sizeBytes.toLocaleString('en-US')} bytes, SHA-256 ${artifactSha256}\n${howToServe(model, version, missingLineage)}\n`);
    });
  models
    .command('promote')
    .argument('<model>', 'name of the model')
    .argument('<version>', 'version that is to serve')
    .description('Make a version the champion: at once, by a rollout or with an approval, as the model’s policy says')
    .option('--alias <alias>', 'alias to move', 'champion')
    .option('--expected <version>', 'refuse unless the alias has this version now')
    .option('--author <name>', 'who decides', process.env['USER'] ?? 'cli')
    .option('--reason <text>', 'why')
    .option('--override <reason>', 'serve it although it does not say its data set, code or metrics; goes on record under the author')
    .option('--approve', 'approve it as the author, where the model’s policy asks for an approval and nobody is authenticated')
    .addHelpText('after', '\nExamples:\n  npx throughline models promote flight-delay 2\n  npx throughline models promote flight-delay 2 --expected 1 --reason "better AUC on May"')
    .action(async (model: string, version: string, { alias, ...options }: { alias: string; expected?: string; author: string; reason?: string; override?: string; approve?: boolean }) => {
      const { rollout } = await ask<{ rollout?: string }>(`${modelsUrl()}/${encodeURIComponent(model)}/aliases/${encodeURIComponent(alias)}`, jsonBody('PUT', { version, ...options }));
      process.stdout.write(rollout === undefined ? `${alias} of ${model} is version ${version}\n` : `the policy of ${model} wants a rollout: ${rollout} of version ${version} has begun\nLook on: npx throughline rollouts watch ${model}\n`);
    });
  rollbackCommand(models);
}

interface UploadFiles {
  readonly artifact: string;
  readonly metadata?: string | undefined;
  readonly reference?: string | undefined;
  readonly signature?: string | undefined;
}

type PushOptions = Partial<UploadFiles> & { readonly name?: string };

/** `push <model> --artifact <file>` and `push <file> --name <model>` say the same. */
function readPush(argument: string, { name, artifact, ...files }: PushOptions): UploadFiles & { model: string } {
  if (name === undefined && artifact === undefined) throw new ContractError('invalid_request', 'it is not clear which file to upload', { cure: 'npx throughline models push <model> --artifact <file>, or npx throughline models push <file> --name <model>' });
  if (name !== undefined && artifact !== undefined) throw new ContractError('invalid_request', `${argument} and --artifact ${artifact} are two files to upload`, { cure: 'Leave one of --name and --artifact out.' });
  return name === undefined ? { model: argument, artifact: artifact!, ...files } : { model: name, artifact: argument, ...files };
}

async function push(model: string, { artifact, metadata, reference, signature }: UploadFiles, progress: Progress): Promise<Version> {
  try {
    return await uploadVersion<Version>(versionsUrl(model), { metadata: metadata === undefined ? undefined : await readText(metadata), files: { artifact, reference, signature } }, (doing) => progress.update(doing));
  } finally {
    progress.end();
  }
}

const howToServe = (model: string, version: string, missing: readonly string[]): string => {
  const promote = `npx throughline models promote ${model} ${version}`;
  return missing.length === 0 ? `Serve it: ${promote}` : `It does not say its ${missing.join(', ')}: upload it with them, or answer for it: ${promote} --override "why"`;
};

const renderModels = (models: readonly Model[]): string =>
  models.length === 0 ? 'No models yet: npx throughline models push --help' : table([['model', 'champion', 'latest', 'aliases', 'since'], ...models.map(({ name, aliases, latestVersion, createdAt }) => [name, aliases['champion'] ?? '-', latestVersion ?? '-', othersOf(aliases), createdAt])]);

const othersOf = (aliases: Readonly<Record<string, string>>): string =>
  Object.entries(aliases).filter(([alias]) => alias !== 'champion').map(([alias, version]) => `${alias}=${version}`).join(' ') || '-';

const renderVersions = (versions: readonly Version[]): string =>
  table([['version', 'format', 'bytes', 'SHA-256', 'created'], ...versions.map(({ version, format, sizeBytes, artifactSha256, createdAt }) => [version, format, sizeBytes, artifactSha256, createdAt])]);

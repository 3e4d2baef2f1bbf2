import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const INSTALL_TIMEOUT_MS = 300_000;
const LOOK_UP_TIMEOUT_MS = 30_000;
/** What a data scientist has besides: to train, convert and score. */
const COMPANIONS = ['onnx', 'skl2onnx', 'onnxruntime', 'scikit-learn', 'pandas'];
const root = new URL('../../../../../', import.meta.url).pathname;

/** The newest version of MLflow that pip finds. @throws when there is no Python, or no package index in reach */
export async function newestMlflow(): Promise<string> {
  const { stdout } = await run('python3', ['-m', 'pip', 'index', 'versions', 'mlflow'], { timeout: LOOK_UP_TIMEOUT_MS });
  const version = /\((\d[\w.]*)\)/.exec(stdout)?.[1];
  if (version === undefined) throw new Error(`pip names no version of mlflow: ${stdout.slice(0, 200)}`);
  return version;
}

/**
 * A Python that has MLflow's client of this version, in a virtual environment that is kept for the next run.
 *
 * @returns path of the interpreter
 * @throws when there is no Python, or no package index in reach
 */
export async function pythonWithMlflow(version: string): Promise<string> {
  const folder = join(root, 'node_modules/.cache/throughline', `mlflow-${version}`);
  const python = join(folder, 'bin/python');
  const complete = join(folder, 'complete');
  if (existsSync(complete)) return python;
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  await run('python3', ['-m', 'venv', folder], { timeout: INSTALL_TIMEOUT_MS });
  await install(python, version);
  await writeFile(complete, '');
  return python;
}

/** The client alone is a package of its own, and not every index has it as soon as the whole. */
async function install(python: string, version: string): Promise<void> {
  const pip = (...packages: string[]): Promise<unknown> => run(python, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', ...packages], { timeout: INSTALL_TIMEOUT_MS });
  try {
    await pip(`mlflow-skinny==${version}`, ...COMPANIONS);
  } catch {
    await pip('mlflow-skinny', ...COMPANIONS);
    await pip('--no-deps', `mlflow==${version}`);
  }
}

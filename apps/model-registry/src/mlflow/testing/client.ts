import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { pythonEnvironment } from '@throughline/local-stack';

const LOOK_UP_TIMEOUT_MS = 30_000;
/** What a data scientist has besides: to train, convert and score. */
const COMPANIONS = ['onnx', 'skl2onnx', 'onnxruntime', 'scikit-learn', 'pandas'];

/** The newest version of MLflow that pip finds. @throws when there is no Python, or no package index in reach */
export async function newestMlflow(): Promise<string> {
  const { stdout } = await promisify(execFile)('python3', ['-m', 'pip', 'index', 'versions', 'mlflow'], { timeout: LOOK_UP_TIMEOUT_MS });
  const version = /\((\d[\w.]*)\)/.exec(stdout)?.[1];
  if (version === undefined) throw new Error(`pip names no version of mlflow: ${stdout.slice(0, 200)}`);
  return version;
}

/**
 * A Python that has MLflow's client of this version.
 *
 * @returns path of the interpreter
 * @throws when there is no Python, or no package index in reach
 */
export async function pythonWithMlflow(version: string): Promise<string> {
  const programs = await pythonEnvironment(`mlflow-${version}`, async (pip) => {
    // The client alone is a package of its own, and not every index has it as soon as the whole.
    try {
      await pip(`mlflow-skinny==${version}`, ...COMPANIONS);
    } catch {
      await pip('mlflow-skinny', ...COMPANIONS);
      await pip('--no-deps', `mlflow==${version}`);
    }
  });
  return join(programs, 'python');
}

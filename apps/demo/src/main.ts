import { ContractError } from '@throughline/contracts';
import { readOptions, USAGE, type DemoOptions } from './options.js';
import { TerminalProgress } from './progress.js';
import { runDemo } from './run-demo.js';

const EXIT_CONFIGURATION = 78;

const interrupted = new AbortController();
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => interrupted.abort());
const progress = new TerminalProgress(process.stdout, () => performance.now());
process.exitCode = await main();

async function main(): Promise<number> {
  let options: DemoOptions;
  try {
    options = readOptions(process.argv.slice(2), process.env);
  } catch (error) {
    progress.line(`${(error as Error).message}\n\n${USAGE}`);
    return EXIT_CONFIGURATION;
  }
  try {
    return await runDemo(options, progress, interrupted.signal);
  } catch (error) {
    if (interrupted.signal.aborted) return 0;
    progress.line(error instanceof ContractError ? `The demo stopped: ${error.message}\n${error.cure}` : `The demo stopped: ${(error as Error).stack ?? String(error)}`);
    return 1;
  }
}

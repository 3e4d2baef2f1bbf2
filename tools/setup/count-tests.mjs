// Prints `PASSED FAILED` from vitest's JSON report; a file that could not even be loaded counts as one failure.
import { readFileSync } from 'node:fs';

const report = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const unloadable = report.testResults.filter(({ status, assertionResults }) => status === 'failed' && assertionResults.every((test) => test.status !== 'failed')).length;
process.stdout.write(`${report.numPassedTests} ${report.numFailedTests + unloadable}\n`);

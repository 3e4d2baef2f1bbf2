import { mkdir, writeFile } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { ContractError } from '@throughline/contracts';
import { repositoryRoot } from '@throughline/local-stack';
import type { Command } from 'commander';
import { modelTemplate } from '../domain/apply/template.js';

const FILE = 'model.yaml';

export function initCommand(program: Command): void {
  program
    .command('init')
    .description('Write a model.yaml with every field explained')
    .option('--dir <folder>', 'where to', '.')
    .addHelpText('after', '\nExamples:\n  npx throughline init\n  npx throughline init --dir models/flight-delay')
    .action(async ({ dir }: { dir: string }) => {
      const folder = resolve(dir);
      const path = join(folder, FILE);
      await mkdir(folder, { recursive: true });
      try {
        await writeFile(path, modelTemplate(relative(folder, join(repositoryRoot, 'docs/model.schema.json'))), { flag: 'wx' });
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
        throw new ContractError('already_exists', `${path} exists`, { cure: 'Name another folder with --dir, or remove the file.' });
      }
      process.stdout.write(`${path}\nNow name the model and its artifact there, then: npx throughline apply ${join(dir, FILE)} --plan\n`);
    });
}

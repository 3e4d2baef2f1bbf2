import { existsSync, rmSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { dataFolderFor } from './postgres/data-folder.js';
import { postgresUser } from './postgres/user.js';
import { clearStray } from './process/stray.js';

/**
 * Deletes a home with everything that was started from it, wherever its data had to live.
 *
 * @throws LocalStackError when something still runs from it on behalf of a living process.
 */
export async function removeHome(home: string): Promise<void> {
  const folder = resolve(home);
  if (!existsSync(folder)) return;
  await clearStray(join(folder, 'kafka', 'kafka.pid'), 'Kafka');
  await clearStray(join(folder, 'postgres', 'postgres.pid'), 'PostgreSQL');
  if (existsSync(join(folder, 'postgres'))) {
    const dataFolder = await dataFolderFor(folder, await postgresUser());
    // Elsewhere than below the home the data has a parent of its own, named after the home.
    rmSync(dataFolder.startsWith(folder) ? dataFolder : dirname(dataFolder), { recursive: true, force: true });
  }
  rmSync(folder, { recursive: true, force: true });
}

import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { newInstallation, type Env } from '@throughline/testing';

/** An installation with a folder of its own. */
export const installation = async (): Promise<Env> => newInstallation({ THROUGHLINE_HOME: await mkdtemp(join(tmpdir(), 'throughline-retraining-')) });

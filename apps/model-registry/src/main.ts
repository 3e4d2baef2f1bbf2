import { runService } from '@throughline/http';
import { readSettings } from './config.js';
import { modelRegistry } from './service.js';

await runService(() => modelRegistry(readSettings(process.env)));

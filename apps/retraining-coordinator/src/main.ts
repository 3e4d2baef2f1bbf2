import { runService } from '@throughline/http';
import { readSettings } from './config.js';
import { retrainingCoordinator } from './service.js';

await runService(() => retrainingCoordinator(readSettings(process.env)));

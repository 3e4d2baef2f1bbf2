import { runService } from '@throughline/http';
import { readSettings } from './config.js';
import { driftMonitor } from './service.js';

await runService(() => driftMonitor(readSettings(process.env)));

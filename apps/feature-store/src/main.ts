import { runService } from '@throughline/http';
import { readSettings } from './config.js';
import { featureStore } from './service.js';

await runService(() => featureStore(readSettings(process.env)));

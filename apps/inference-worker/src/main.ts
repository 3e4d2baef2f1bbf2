import { runService } from '@throughline/http';
import { readConfig } from './config.js';
import { serviceOptions } from './service.js';

await runService(() => serviceOptions(readConfig(process.env)));

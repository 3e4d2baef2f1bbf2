import type { Provider } from '@nestjs/common';
import { RebuildStore } from './rebuild-store.js';
import { Rebuilder } from './rebuilder.js';

export const rebuildProviders: readonly Provider[] = [RebuildStore, Rebuilder];

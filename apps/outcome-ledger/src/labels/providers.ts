import type { Provider } from '@nestjs/common';
import { LabelGauges } from './label-gauges.js';
import { LabelStore } from './label-store.js';
import { Labels } from './labels.js';
import { ModelClocks } from './model-clocks.js';

export const labelProviders: readonly Provider[] = [LabelStore, ModelClocks, Labels, LabelGauges];

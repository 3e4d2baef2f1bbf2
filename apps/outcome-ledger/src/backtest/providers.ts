import type { Provider } from '@nestjs/common';
import type { LedgerConfig } from '../config.js';
import { BacktestRunner, SCORING_LIMITS } from './backtest-runner.js';
import { Backtests } from './backtests.js';
import { Candidates } from './candidates.js';

export const backtestProviders = (config: LedgerConfig): Provider[] => [
  { provide: SCORING_LIMITS, useValue: { timeoutMs: config.RECOMPUTE_TIMEOUT_MS, maxMemoryBytes: config.RECOMPUTE_MEMORY_MAX_BYTES } },
  Candidates,
  Backtests,
  BacktestRunner,
];

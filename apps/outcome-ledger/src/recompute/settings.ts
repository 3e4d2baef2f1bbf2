import { defineSettings, parsers } from '@throughline/settings';

const GIB = 1024 ** 3;
const MIB = 1024 ** 2;

export const recomputeSettings = defineSettings({
  RECOMPUTE_TIMEOUT_MS: { meaning: 'Longest that computing an answer again may take, loading the artifact included; the process that does it is then ended', unit: 'ms', parse: parsers.integer(100, 600_000), default: 30_000 },
  RECOMPUTE_MEMORY_MAX_BYTES: { meaning: 'Memory that the process which computes answers again may take; the runtime alone takes about 100 MB', unit: 'bytes', parse: parsers.integer(256 * MIB, 1024 * GIB), default: 2 * GIB },
  RECOMPUTE_CACHE_MAX_BYTES: { meaning: 'Artifacts that the ledger keeps as files to compute answers again; a larger one is not fetched', unit: 'bytes', parse: parsers.integer(MIB, 1024 * GIB), default: GIB },
});

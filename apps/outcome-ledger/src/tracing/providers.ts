import type { FactoryProvider, Type } from '@nestjs/common';
import { prefixedNames } from '@throughline/bus';
import { LOGGER } from '@throughline/http';
import type { Logger } from '@throughline/telemetry';
import { DataSource } from 'typeorm';
import type { LedgerConfig } from '../config.js';
import { LedgerSpans } from '../handlers/ledger-spans.js';
import { ServedVersions } from '../store/served-versions.js';
import { OpenAlerts } from './open-alerts.js';
import { OutcomeTraces } from './outcome-traces.js';
import { tellingPolicy } from './settings.js';
import { TraceStories } from './trace-stories.js';

/** The ledger's part in traces, as its settings say. @param group consumer group of the ledger, without prefix */
export function tracingProviders(config: LedgerConfig, group: string): (FactoryProvider | Type)[] {
  const names = prefixedNames(config.KAFKA_TOPIC_PREFIX);
  const options = { policy: tellingPolicy(config), maxPerSecond: config.TRACE_KEEP_PER_SECOND, names };
  return [
    OpenAlerts,
    { provide: TraceStories, useFactory: (dataSource: DataSource, versions: ServedVersions) => new TraceStories(dataSource, versions, names), inject: [DataSource, ServedVersions] },
    { provide: OutcomeTraces, useFactory: (stories: TraceStories, alerts: OpenAlerts, logger: Logger) => new OutcomeTraces(stories, alerts, { ...options, logger }), inject: [TraceStories, OpenAlerts, LOGGER] },
    { provide: LedgerSpans, useFactory: (traces: OutcomeTraces) => new LedgerSpans(group, names, traces), inject: [OutcomeTraces] },
  ];
}

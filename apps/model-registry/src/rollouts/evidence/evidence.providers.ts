import type { Provider, Type } from '@nestjs/common';
import { BUS, type Bus } from '@throughline/bus';
import { LOGGER } from '@throughline/http';
import type { Logger } from '@throughline/telemetry';
import { DataSource } from 'typeorm';
import { RolloutStore } from '../store/rollouts.js';
import { EvidenceStore } from './evidence-store.js';
import { EvidenceController } from './http/evidence.controller.js';
import { OutcomeJoinedHandler } from './outcome-joined.handler.js';
import { PredictionRejectedHandler } from './prediction-rejected.handler.js';
import { PredictionScoredHandler } from './prediction-scored.handler.js';
import { PredictionShadowedHandler } from './prediction-shadowed.handler.js';
import { PatientStrategy } from './patient-strategy.js';
import { EvidenceProgress } from './progress.js';
import { PointRecorder } from './report/point-recorder.js';
import { Points } from './report/points.js';
import { RolloutReports } from './report/reports.js';
import { ServingReports } from './serving-reports.js';
import { StepIndex } from './step-index.js';
import { Tally } from './tally.js';
import { EvidenceUpkeep } from './upkeep.js';

/** What gathers the evidence of rollouts; the runner takes `EvidenceStore`, `EvidenceProgress` and `ServingReports`. */
export const EVIDENCE_CONTROLLERS: Type[] = [PredictionScoredHandler, PredictionShadowedHandler, PredictionRejectedHandler, OutcomeJoinedHandler, EvidenceController];

/** Also the name of the consumer group. */
const SERVICE = 'model-registry';

export const EVIDENCE_PROVIDERS: Provider[] = [
  { provide: PatientStrategy, useFactory: (bus: Bus, log: Logger) => new PatientStrategy(bus, SERVICE, log), inject: [BUS, LOGGER] },
  { provide: StepIndex, useFactory: (dataSource: DataSource) => new StepIndex(dataSource), inject: [DataSource] },
  { provide: Tally, useFactory: (dataSource: DataSource) => new Tally(dataSource), inject: [DataSource] },
  { provide: EvidenceStore, useFactory: (dataSource: DataSource) => new EvidenceStore(dataSource), inject: [DataSource] },
  { provide: EvidenceProgress, useFactory: (bus: Bus) => new EvidenceProgress(bus, SERVICE), inject: [BUS] },
  { provide: Points, useFactory: (dataSource: DataSource, evidence: EvidenceStore) => new Points(dataSource, evidence), inject: [DataSource, EvidenceStore] },
  { provide: RolloutReports, useFactory: (rollouts: RolloutStore, evidence: EvidenceStore, points: Points) => new RolloutReports(rollouts, evidence, points), inject: [RolloutStore, EvidenceStore, Points] },
  ServingReports,
  PointRecorder,
  EvidenceUpkeep,
];

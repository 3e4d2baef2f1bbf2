import { BUS, type Bus } from '@throughline/bus';
import { httpSettings, type ServiceOptions } from '@throughline/http';
import type { WorkerConfig } from './config.js';
import { answerErrorsInProtocol, PROTOCOL_ERROR } from './http/oip-errors.js';
import { boundPendingBytes } from './http/pending-bytes.js';
import { InferenceWorkerModule, SERVICE } from './inference-worker.module.js';
import { ModelFleet } from './serving/model-fleet.js';
import { ServingReports } from './serving/serving-reports.js';
import { WarmStartStrategy } from './warm-start.strategy.js';

/** 5,000 rows of 200 features are about 10 MB of JSON. */
const BODY_LIMIT_BYTES = 16 * 1024 * 1024;

const PATH_PARAMETERS = {
  model: { description: 'name of a model', example: 'flight-delay' },
  version: { description: 'of the model; it is pinned and counts for no rollout', example: '1' },
};

export const serviceOptions = (config: WorkerConfig): ServiceOptions => ({
  name: SERVICE,
  settings: httpSettings(config, BODY_LIMIT_BYTES),
  module: InferenceWorkerModule.forRoot(config),
  openApi: { title: 'Throughline inference worker', description: 'Scores requests with ONNX Runtime and puts every answer on record. Errors below /v2 have the form of the Open Inference Protocol, `{error}`.', pathParameters: PATH_PARAMETERS, errorForms: [PROTOCOL_ERROR] },
  configure: (app) => {
    answerErrorsInProtocol(app);
    boundPendingBytes(app, config.HTTP_MAX_PENDING_BYTES, app.get<Bus>(BUS).producer);
  },
  strategy: (app) => app.get(WarmStartStrategy),
  checks: (app) => ({ models: () => app.get(ModelFleet).checkReady(), kafka: () => app.get<Bus>(BUS).admin.ping() }),
  drain: async (app) => {
    app.get(ServingReports).leave();
    await app.get<Bus>(BUS).producer.flush();
    app.get(ModelFleet).close();
  },
  dead: (app) => app.get<Bus>(BUS).dead,
});

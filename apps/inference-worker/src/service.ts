import { BUS, type Bus } from '@throughline/bus';
import type { ServiceOptions } from '@throughline/http';
import type { WorkerConfig } from './config.js';
import { answerErrorsInProtocol } from './http/oip-errors.js';
import { boundPendingBytes } from './http/pending-bytes.js';
import { InferenceWorkerModule, SERVICE } from './inference-worker.module.js';
import { ModelFleet } from './serving/model-fleet.js';
import { WarmStartStrategy } from './warm-start.strategy.js';

/** 5,000 rows of 200 features are about 10 MB of JSON. */
const BODY_LIMIT_BYTES = 16 * 1024 * 1024;

export const serviceOptions = (config: WorkerConfig): ServiceOptions => ({
  name: SERVICE,
  settings: { host: config.HOST, port: config.PORT, otlpEndpoint: config.OTEL_EXPORTER_OTLP_ENDPOINT, bodyLimitBytes: BODY_LIMIT_BYTES },
  module: InferenceWorkerModule.forRoot(config),
  openApi: { title: 'Throughline inference worker', description: 'Scores requests with ONNX Runtime and puts every answer on record. Errors below /v2 have the form of the Open Inference Protocol, `{error}`.' },
  configure: (app) => {
    answerErrorsInProtocol(app);
    boundPendingBytes(app, config.HTTP_MAX_PENDING_BYTES, app.get<Bus>(BUS).producer);
  },
  strategy: (app) => app.get(WarmStartStrategy),
  checks: (app) => ({ models: () => app.get(ModelFleet).checkReady(), kafka: () => app.get<Bus>(BUS).admin.ping() }),
  drain: async (app) => {
    await app.get<Bus>(BUS).producer.flush();
    app.get(ModelFleet).close();
  },
  dead: (app) => app.get<Bus>(BUS).dead,
});

export { busOf } from './bus-of.js';
export { eventually } from './eventually.js';
export { exportedModels, type ExportedModel, type ExportedTensor } from './exported-models.js';
export { newInstallation, type Env } from './new-installation.js';
export { spawnService, type SpawnedService } from './spawned-service.js';

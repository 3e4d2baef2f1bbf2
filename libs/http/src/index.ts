export { Problems, type ErrorForm } from './api-problems.js';
export { HealthRegistry, type HealthCheck, type HealthReport } from './health.js';
export { fromFramework } from './http-errors.js';
export { refuseNul, whyUnfit } from './json-body.js';
export { isLoopback, refuseForeign } from './loopback.js';
export type { OpenApiInfo, PathParameter } from './open-api.js';
export { HttpError, problem, PROBLEM_CONTENT_TYPE, problemHeaders, statusOf, type Problem } from './problem.js';
export { EXIT, runService } from './run-service.js';
export { LOGGER, startService, type RunningService, type ServiceOptions, type ServiceSettings } from './service.js';

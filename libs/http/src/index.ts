export { HealthRegistry, type HealthCheck, type HealthReport } from './health.js';
export { fromFramework } from './http-errors.js';
export { isLoopback, refuseForeign } from './loopback.js';
export { HttpError, problem, PROBLEM_CONTENT_TYPE, problemHeaders, statusOf, type Problem } from './problem.js';
export { EXIT, runService } from './run-service.js';
export { LOGGER, startService, type RunningService, type ServiceOptions, type ServiceSettings } from './service.js';

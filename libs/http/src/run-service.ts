import { SettingError } from '@throughline/settings';
import { createLogger, type Logger } from '@throughline/telemetry';
import { startService, type RunningService, type ServiceOptions } from './service.js';

/** Exit codes: 0 after an orderly end, 1 after a failure, 78 (EX_CONFIG) when restarting cannot help. */
export const EXIT = { ok: 0, failure: 1, configuration: 78 } as const;

/** An orderly end takes at most this long; then the process ends anyway. */
const SHUTDOWN_TIMEOUT_MS = 30_000;

/**
 * Runs a service until a signal or its death: settings, telemetry, Nest on Fastify, consumers; then the ordered shutdown. Give
 * a function to have errors in the settings reported like any other.
 */
export async function runService(given: ServiceOptions | (() => ServiceOptions)): Promise<void> {
  let logger: Logger = createLogger('throughline');
  try {
    const options = typeof given === 'function' ? given() : given;
    logger = options.logger ?? createLogger(options.name);
    process.on('uncaughtException', (error) => exitNow(logger, error, 'uncaught exception'));
    process.on('unhandledRejection', (reason) => exitNow(logger, reason, 'unhandled rejection'));
    // From the beginning: one that comes while the service starts ends it in order, too.
    const asked = Promise.race([signal('SIGTERM'), signal('SIGINT')]);
    void asked.then(() => setTimeout(() => exitNow(logger, undefined, 'the shutdown took too long'), SHUTDOWN_TIMEOUT_MS));
    await untilItEnds(await startService({ ...options, logger }), asked, options, logger);
  } catch (error) {
    if (error instanceof SettingError) {
      logger.fatal({ setting: error.setting }, error.message);
      process.exit(EXIT.configuration);
    }
    exitNow(logger, error, 'could not start');
  }
}

async function untilItEnds(service: RunningService, asked: Promise<string>, options: ServiceOptions, logger: Logger): Promise<never> {
  const end = await Promise.race([asked, died(service, options)]);
  if (end instanceof Error) logger.fatal({ err: end }, 'the service can no longer work');
  else logger.info({ signal: end }, 'shutting down');
  process.once('SIGINT', () => process.exit(EXIT.failure));
  if (end instanceof Error) setTimeout(() => exitNow(logger, undefined, 'the shutdown took too long'), SHUTDOWN_TIMEOUT_MS);
  await service.close();
  logger.info('shut down');
  process.exit(end instanceof Error ? EXIT.failure : EXIT.ok);
}

const signal = (name: 'SIGTERM' | 'SIGINT'): Promise<string> => new Promise((resolve) => process.once(name, () => resolve(name)));
const died = (service: RunningService, options: ServiceOptions): Promise<Error> => options.dead?.(service.app) ?? new Promise(() => undefined);

function exitNow(logger: Logger, error: unknown, message: string): never {
  logger.fatal({ err: error }, message);
  process.exit(EXIT.failure);
}

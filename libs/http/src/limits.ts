import rateLimit from '@fastify/rate-limit';
import { ContractError } from '@throughline/contracts';
import type { FastifyInstance } from 'fastify';
import { isDataRoute } from './auth/access.js';
import { isAuthConfigured, type DoorSettings } from './auth/authenticator.js';
import { ANONYMOUS } from './auth/principal.js';

const DEFAULT_PER_SECOND = 100;
/** A burst may use up what the whole of it allows. */
const WINDOW_SECONDS = 10;
const NEVER_LIMITED = /^\/health\/|^\/metrics$/;

/** Limits how often one caller may ask. Must be awaited before any route is added. */
export async function limitRates(fastify: FastifyInstance, settings: DoorSettings): Promise<void> {
  const perSecond = settings.HTTP_RATE_LIMIT_PER_SECOND ?? (isAuthConfigured(settings) ? DEFAULT_PER_SECOND : 0);
  const dataPerSecond = settings.HTTP_INFERENCE_RATE_LIMIT_PER_SECOND ?? 0;
  if (perSecond === 0 && dataPerSecond === 0) return;

  // Before the plugin's own hook, which reads what this writes.
  fastify.addHook('onRoute', (route) => {
    const limit = NEVER_LIMITED.test(route.url) ? 0 : isDataRoute(route.url) ? dataPerSecond : perSecond;
    const kind = isDataRoute(route.url) ? 'data' : 'administration';
    route.config = { ...route.config, rateLimit: limit === 0 ? false : { max: limit * WINDOW_SECONDS, groupId: kind } };
  });
  await fastify.register(rateLimit, {
    timeWindow: WINDOW_SECONDS * 1000,
    keyGenerator: ({ principal, ip }) => (principal === null || principal === ANONYMOUS ? ip : principal.name),
    errorResponseBuilder: (_request, { max, ttl }) => {
      const seconds = Math.ceil(ttl / 1000);
      return new ContractError('rate_limited', `more than ${max} requests in ${WINDOW_SECONDS} s; the next in ${seconds} s`) as never;
    },
  });
}

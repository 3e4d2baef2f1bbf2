import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { foreignGuard } from '../loopback.js';
import { needOf, type Need } from './access.js';
import type { Authenticator } from './authenticator.js';
import { ANONYMOUS, hasRole, lackOf, type Principal } from './principal.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** Who sends it; `null` only on the few addresses that are open to anyone. */
    principal: Principal | null;
  }
  interface FastifyContextConfig {
    requires?: Need;
  }
}

/** What a handler needs, where method and address do not tell: precedes the rules of `access.ts`. */
export const Requires = (need: Need): MethodDecorator => RouteConfig({ requires: need });

/** Injects who sends the request. */
export const Caller = createParamDecorator((_data: unknown, context: ExecutionContext): Principal => callerOf(context.switchToHttp().getRequest<FastifyRequest>()));

export const callerOf = (request: FastifyRequest): Principal => request.principal ?? NOBODY;
const NOBODY: Principal = { name: 'anonymous', roles: [] };

export type NeedOf = (request: FastifyRequest) => Need;

/** By the handler's `@Requires`, else by method and route; remembered, for the rules are many and the routes few. */
export function needByRoute(): NeedOf {
  const known = new Map<string, Need>();
  return ({ method, routeOptions: { url, config } }) => {
    if (config.requires !== undefined) return config.requires;
    const key = `${method} ${url ?? ''}`;
    let need = known.get(key);
    if (need === undefined) known.set(key, (need = needOf(method, url)));
    return need;
  };
}

/**
 * Lets nobody past who is not known and may not do it; before anything else happens to a request. Without an authenticator everybody on
 * this machine may, and only what came through a browser from elsewhere is refused.
 */
export function guardRequests(fastify: FastifyInstance, authenticator: Authenticator | undefined, need: NeedOf = needByRoute()): void {
  fastify.decorateRequest('principal', null);
  if (authenticator === undefined) return guardLoopback(fastify);

  // Hooks with callbacks: one that returns a promise costs every request a turn of the microtask queue.
  fastify.addHook('onRequest', (request, _reply, done) => {
    const needed = need(request);
    const enter = (principal: Principal): void => {
      // A token without a role here is a stranger's.
      request.principal = needed === 'anyone' && !hasRole(principal, 'viewer') ? null : principal;
      done(needed === 'anyone' ? undefined : lackOf(principal, needed));
    };
    const refuse = (error: Error): void => done(needed === 'anyone' ? undefined : error);
    let known: Principal | Promise<Principal>;
    try {
      known = authenticator.principalOf(request.headers.authorization);
    } catch (error) {
      return refuse(error as Error);
    }
    if (known instanceof Promise) void known.then(enter, refuse);
    else enter(known);
  });
  fastify.addHook('onClose', (_instance, done) => {
    authenticator.close();
    done();
  });
}

function guardLoopback(fastify: FastifyInstance): void {
  const refuseForeign = foreignGuard();
  fastify.addHook('onRequest', (request, _reply, done) => {
    refuseForeign(request.headers);
    request.principal = ANONYMOUS;
    done();
  });
}

import type { Socket } from 'node:net';
import { Transform } from 'node:stream';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { BusProducer } from '@throughline/bus';
import { ContractError } from '@throughline/contracts';

/**
 * Bounds the bytes of unanswered requests together with those of answers that are not on record yet. Beyond it a request is `overloaded`:
 * before its body is read if it announces the length, else as soon as what has arrived of it is too much.
 */
export function boundPendingBytes(app: NestFastifyApplication, maxBytes: number, producer: Pick<BusProducer, 'pending'>): void {
  const fastify = app.getHttpAdapter().getInstance();
  const { bodyLimit = maxBytes } = fastify.initialConfig;
  const pending = new PendingBytes();
  const hasRoom = (sizeBytes: number): boolean => pending.total + producer.pending.bytes + sizeBytes <= maxBytes;
  const overloaded = (): ContractError => new ContractError('overloaded', `${pending.total + producer.pending.bytes} bytes of requests and answers are under way, at most ${maxBytes} may be`);

  fastify.addHook('onRequest', ({ headers, socket }, { raw }, done) => {
    const sizeBytes = Number(headers['content-length'] ?? 0);
    // What is too large at any time is no matter of load: the parser answers 413, and reads none of it either.
    if (sizeBytes === 0 || sizeBytes > bodyLimit) return done();
    if (!hasRoom(sizeBytes)) throw overloaded();
    pending.add(socket, sizeBytes);
    raw.once('close', () => pending.remove(socket, sizeBytes));
    done();
  });

  fastify.addHook('preParsing', ({ headers, socket }, { raw }, payload, done) => {
    if (headers['transfer-encoding'] === undefined) return done(null, payload);
    let sizeBytes = 0;
    const counted = new Transform({
      transform(chunk: Buffer, _encoding, next) {
        if (socket.destroyed) return next();
        if (!hasRoom(chunk.length)) return next(overloaded());
        pending.add(socket, chunk.length);
        sizeBytes += chunk.length;
        next(null, chunk);
      },
    });
    payload.once('error', (error) => counted.destroy(error));
    raw.once('close', () => {
      pending.remove(socket, sizeBytes);
      // What nobody reads any more would hold up the next request of the connection.
      payload.unpipe(counted).resume();
      counted.destroy();
    });
    done(null, payload.pipe(counted));
  });
}

/** Kept by connection: a request that waits behind another one of its connection is not told when that closes. */
class PendingBytes {
  total = 0;
  private readonly held = new WeakMap<Socket, number>();

  add(socket: Socket, sizeBytes: number): void {
    const held = this.held.get(socket);
    if (held === undefined) socket.once('close', () => this.forget(socket));
    this.held.set(socket, (held ?? 0) + sizeBytes);
    this.total += sizeBytes;
  }

  remove(socket: Socket, sizeBytes: number): void {
    const held = this.held.get(socket);
    // Forgotten with its connection.
    if (held === undefined) return;
    this.held.set(socket, held - sizeBytes);
    this.total -= sizeBytes;
  }

  private forget(socket: Socket): void {
    this.total -= this.held.get(socket) ?? 0;
    this.held.delete(socket);
  }
}

import { Injectable } from '@nestjs/common';

/** Resolves when the thing works; throws the reason when not. */
export type HealthCheck = () => unknown;

export interface HealthReport {
  readonly status: 'ok' | 'error' | 'starting' | 'shutting_down';
  readonly checks: Readonly<Record<string, { status: 'up' | 'down'; reason?: string }>>;
}

const CHECK_TIMEOUT_MS = 2000;

/** What must work before requests are welcome. Inject it and `add` a check, from any provider. */
@Injectable()
export class HealthRegistry {
  private readonly checks = new Map<string, HealthCheck>();
  private phase: 'starting' | 'running' | 'shutting_down' = 'starting';
  private checking: Promise<HealthReport['checks']> | undefined;

  add(name: string, check: HealthCheck): void {
    this.checks.set(name, check);
  }

  started(): void {
    if (this.phase === 'starting') this.phase = 'running';
  }

  shuttingDown(): void {
    this.phase = 'shutting_down';
  }

  get isShuttingDown(): boolean {
    return this.phase === 'shutting_down';
  }

  /** Whoever asks while others wait hears the same: strangers may ask as often as they like, and every check is a question to a database or to brokers. */
  async report(): Promise<HealthReport> {
    const checks = await (this.checking ??= this.check().finally(() => (this.checking = undefined)));
    if (this.phase !== 'running') return { status: this.phase, checks };
    return { status: Object.values(checks).every(({ status }) => status === 'up') ? 'ok' : 'error', checks };
  }

  private async check(): Promise<HealthReport['checks']> {
    return Object.fromEntries(await Promise.all([...this.checks].map(async ([name, check]) => [name, await outcome(check)] as const)));
  }
}

async function outcome(check: HealthCheck): Promise<{ status: 'up' | 'down'; reason?: string }> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${CHECK_TIMEOUT_MS} ms`)), CHECK_TIMEOUT_MS);
  });
  try {
    await Promise.race([Promise.resolve().then(check), timeout]);
    return { status: 'up' };
  } catch (error) {
    return { status: 'down', reason: error instanceof Error ? error.message : String(error) };
  } finally {
    clearTimeout(timer);
  }
}

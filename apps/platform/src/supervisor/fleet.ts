import { join } from 'node:path';
import { clearStray, eventually, LocalStackError, repositoryRoot } from '@throughline/local-stack';
import { terminalLine } from '../domain/log-line.js';
import type { ServicePlan } from '../domain/plan.js';
import { startChild } from './child.js';
import { Keeper } from './keeper.js';
import { askReady, type Readiness } from './readiness.js';

export interface FleetOptions {
  readonly plans: readonly ServicePlan[];
  /** Absolute; logs and pid files live below it. */
  readonly home: string;
  readonly env: NodeJS.ProcessEnv;
  readonly terminalLevel: string;
  /** With which services are asked how they are, where they want to know who asks. */
  readonly serviceKey?: string | undefined;
  /** A line for the terminal. */
  readonly onLine: (line: string) => void;
  /** Which script is a service; default the built one. For tests. */
  readonly scriptOf?: (plan: ServicePlan) => string;
}

export interface Member extends Readiness {
  readonly state: Keeper['state'];
  readonly restarts: number;
  readonly pid: number | undefined;
}

const FAILURES_AT_START = 5;
const READY_WITHIN_MS = 120_000;
const builtScript = ({ service }: ServicePlan): string => join(repositoryRoot, 'apps', service, 'dist', 'main.js');

/** All services, each a process that is kept running. */
export class Fleet {
  private readonly keepers: ReadonlyMap<ServicePlan, Keeper>;
  private asking: Promise<Record<string, Member>> | undefined;

  constructor(private readonly options: FleetOptions) {
    this.keepers = new Map(options.plans.map((plan) => [plan, this.keeperOf(plan)]));
  }

  /** Ends what an earlier platform left behind, then starts every process. */
  async start(): Promise<void> {
    await Promise.all(this.options.plans.map((plan) => clearStray(this.pidFile(plan), plan.name)));
    for (const keeper of this.keepers.values()) keeper.run();
  }

  /**
   * Resolves when every service has once been ready.
   *
   * @throws LocalStackError when one is not within two minutes, keeps ending, or says that its configuration is wrong
   */
  async ready(onReady: (name: string) => void, signal: AbortSignal): Promise<void> {
    await Promise.all(Array.from(this.keepers, ([plan, keeper]) => this.oneReady(plan, keeper, signal).then(() => onReady(plan.name))));
  }

  /** How every service is, asked now; whoever asks while others wait hears the same, for each question is one to every service. */
  members(): Promise<Record<string, Member>> {
    return (this.asking ??= this.ask().finally(() => (this.asking = undefined)));
  }

  private async ask(): Promise<Record<string, Member>> {
    const entries = await Promise.all(
      Array.from(this.keepers, async ([plan, { name, state, restarts, pid }]) => [name, { state, restarts, pid, ...(await askReady(plan, this.options.serviceKey)) }] as const),
    );
    return Object.fromEntries(entries);
  }

  async stop(): Promise<void> {
    await Promise.all(Array.from(this.keepers.values(), (keeper) => keeper.stop()));
  }

  private async oneReady(plan: ServicePlan, keeper: Keeper, signal: AbortSignal): Promise<void> {
    const hopeless = () => keeper.state === 'failed' || keeper.restarts >= FAILURES_AT_START;
    let last: Readiness | undefined;
    await eventually(async () => {
      if (hopeless() || signal.aborted) return true;
      last = await askReady(plan, this.options.serviceKey);
      return last.ready;
    }, READY_WITHIN_MS);
    if (signal.aborted || last?.ready) return;
    const why = hopeless() ? 'keeps ending' : `is not ready (${JSON.stringify(last?.detail)})`;
    throw new LocalStackError(`${plan.name} ${why}.`, `Its log: ${this.logFile(plan)}`);
  }

  private keeperOf(plan: ServicePlan): Keeper {
    const { env, onLine, terminalLevel, scriptOf = builtScript } = this.options;
    const start = () =>
      startChild({
        script: scriptOf(plan),
        env: { ...env, ...plan.env },
        logFile: this.logFile(plan),
        pidFile: this.pidFile(plan),
        onLine: (line) => {
          const shown = terminalLine(plan.name, line, terminalLevel);
          if (shown !== undefined) onLine(shown);
        },
      });
    return new Keeper({ name: plan.name, start, onEvent: (event) => onLine(`${plan.name} ${event}`) });
  }

  private readonly logFile = ({ name }: ServicePlan): string => join(this.options.home, 'logs', `${name}.log`);
  private readonly pidFile = ({ name }: ServicePlan): string => join(this.options.home, 'run', `${name}.pid`);
}

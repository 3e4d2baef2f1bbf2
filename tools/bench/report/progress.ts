import type { Scenario, Step } from '../scenario.ts';
import type { Sizes } from '../setup/sizes.ts';

const clock = (seconds: number): string => `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, '0')}`;

/** Counted lines on standard error: which step of which scenario, how long it has run, how long it will about take. */
export class Progress {
  private readonly startedMs = performance.now();
  private readonly plannedSeconds: readonly number[];
  private doneSeconds = 0;

  private readonly scenarios: readonly Scenario[];
  private readonly sizes: Sizes;

  constructor(scenarios: readonly Scenario[], sizes: Sizes) {
    this.scenarios = scenarios;
    this.sizes = sizes;

    this.plannedSeconds = scenarios.map((scenario) => this.plannedSecondsOf(scenario));
  }

  get totalSeconds(): number {
    return this.plannedSeconds.reduce((sum, seconds) => sum + seconds, 0);
  }

  /** The steps of one scenario. */
  begin(scenario: Scenario): Step {
    const at = this.scenarios.indexOf(scenario);
    const { steps, secondsPerStep } = scenario.plan(this.sizes);
    const beforeSeconds = this.plannedSeconds.slice(0, at).reduce((sum, seconds) => sum + seconds, 0);
    let done = 0;
    return (what) => {
      this.doneSeconds = beforeSeconds + Math.min(done, steps) * secondsPerStep;
      done += 1;
      this.say(`${scenario.name} ${done}/${Math.max(done, steps)}: ${what}`);
    };
  }

  say(text: string): void {
    const goneSeconds = (performance.now() - this.startedMs) / 1000;
    const leftMinutes = (this.totalSeconds - this.doneSeconds) / 60;
    console.error(`  [${clock(goneSeconds)} gone, about ${leftMinutes < 1 ? '1 minute' : `${Math.ceil(leftMinutes)} minutes`} left] ${text}`);
  }

  private plannedSecondsOf(scenario: Scenario): number {
    const { steps, secondsPerStep } = scenario.plan(this.sizes);
    return steps * secondsPerStep;
  }
}

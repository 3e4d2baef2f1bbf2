import type { Bench } from './setup/bench.ts';
import type { Sizes } from './setup/sizes.ts';

/** One line of the summary: what was measured beside what was aimed for. */
export interface Figure {
  readonly what: string;
  readonly measured: string;
  readonly target: string;
  /** Absent where a figure is published without a target. */
  readonly isMet?: boolean;
}

export interface Outcome {
  readonly figures: readonly Figure[];
  /** Tables and what one must know to read them, as Markdown. */
  readonly markdown: string;
  /** Everything that the tables were made of. */
  readonly raw: object;
}

/** Announces the next step of a scenario. */
export type Step = (what: string) => void;

export interface Scenario {
  readonly name: string;
  readonly title: string;
  /** How many steps it will announce and how long each takes about; for the remaining time on the screen only. */
  readonly plan: (sizes: Sizes) => { readonly steps: number; readonly secondsPerStep: number };
  /** Takes half an hour and much disk: runs only when it is asked for by name. */
  readonly isLarge?: boolean;
  /** Why it cannot run here; such a scenario is skipped, and said to be. */
  readonly whyNot?: (bench: Bench) => string | undefined;
  readonly run: (bench: Bench, step: Step) => Promise<Outcome>;
}

import { setTimeout as wait } from 'node:timers/promises';
import { ContractError } from '@throughline/contracts';
import { isActive, type RolloutDetail } from '../domain/rollouts/resources.js';
import { progressLine, progressLines } from '../domain/rollouts/text.js';
import { draw, printable } from '../terminal.js';
import { readRollout } from './client.js';

const LOOK_INTERVAL_MS = 1_000;
const REPEAT_MS = 30_000;
/** A registry that restarts is away for seconds; the rollout goes on. */
const PATIENCE_MS = 60_000;

/**
 * Shows a rollout until it ends: on a terminal as a block that is drawn anew, elsewhere a line at every change and every half minute.
 *
 * @throws ContractError of a registry that stays away
 */
export async function watchRollout(model: string, id: string): Promise<RolloutDetail> {
  const screen = process.stdout.isTTY ? new Block() : new Log();
  let answeredMs = performance.now();
  for (;;) {
    try {
      const rollout = await readRollout(model, id);
      answeredMs = performance.now();
      screen.show(rollout);
      if (!isActive(rollout)) return rollout;
    } catch (error) {
      const mayPass = error instanceof ContractError && error.retriable && performance.now() - answeredMs < PATIENCE_MS;
      if (!mayPass) throw error;
    }
    await wait(LOOK_INTERVAL_MS);
  }
}

class Block {
  private height = 0;

  show(rollout: RolloutDetail): void {
    const width = process.stdout.columns;
    const lines = progressLines(rollout, Date.now()).map(printable).map((line) => (line.length < width ? line : `${line.slice(0, width - 1)}…`));
    draw(lines, this.height);
    this.height = lines.length;
  }
}

class Log {
  private shown = '';
  private shownMs = -Infinity;

  show(rollout: RolloutDetail): void {
    const state = `${rollout.status}/${rollout.step}/${rollout.verdicts.map(({ state: one }) => one).join()}`;
    if (state === this.shown && performance.now() - this.shownMs < REPEAT_MS) return;
    this.shown = state;
    this.shownMs = performance.now();
    process.stdout.write(`${progressLine(rollout)}\n`);
  }
}

import type { Stage } from './resources.js';

const BAR_WIDTH = 24;

/**
 * Stages as bars that begin where the one before has ended, all on the scale of their sum; `│` is where a stage's budget ends, `!` marks one that took
 * longer. Without a stage there is nothing to draw.
 */
export function stageBars(stages: readonly Stage[]): string[] {
  const parts = stages.filter(({ stage }) => stage !== 'total');
  if (parts.length === 0) return [];
  const sumMs = parts.reduce((sum, { ms }) => sum + ms, 0);
  const nameWidth = Math.max(...stages.map(({ stage }) => stage.length));
  const widestTime = Math.max(...stages.map(({ ms }) => timeText(ms).length));
  const drawn = new Map(partBars(parts, sumMs));
  return stages.map(({ stage, ms, budgetMs, isOver }) => {
    const bar = drawn.get(stage) ?? '─'.repeat(BAR_WIDTH);
    const budget = budgetMs === undefined ? '' : `  of ${timeText(budgetMs)}`;
    return `  ${stage.padEnd(nameWidth)}  ${bar}  ${timeText(ms).padStart(widestTime)}${budget}${isOver === true ? ' ! over budget' : ''}`;
  });
}

function partBars(parts: readonly Stage[], sumMs: number): [string, string][] {
  const column = (ms: number): number => (sumMs === 0 ? 0 : Math.round((ms / sumMs) * BAR_WIDTH));
  let passedMs = 0;
  return parts.map(({ stage, ms, budgetMs }) => {
    const [from, to] = [column(passedMs), column(passedMs + ms)];
    const limit = budgetMs === undefined ? undefined : column(passedMs + budgetMs);
    passedMs += ms;
    const cells = Array.from({ length: BAR_WIDTH }, (_, at): string => (at >= from && at < to ? '█' : at === limit ? '│' : '·'));
    // What takes next to nothing is there all the same.
    if (from === to && ms > 0) cells[Math.min(from, BAR_WIDTH - 1)] = '▏';
    return [stage, cells.join('')];
  });
}

const timeText = (ms: number): string => `${Number(ms.toFixed(3))} ms`;

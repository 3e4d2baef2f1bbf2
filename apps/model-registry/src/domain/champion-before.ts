/** A champion that came with a revision of the deployment. */
export interface ChampionRevision {
  readonly champion: number | undefined;
  /** A rollback wrote it: what it left behind is no longer before anything. */
  readonly isWayBack: boolean;
}

/**
 * The champion before the last one; where none serves, the last that did. A rollback takes its revisions back as one takes plates from a stack, so that the next one
 * goes further back and not forward again to what was left.
 *
 * @param history oldest first
 */
export function championBefore(history: readonly ChampionRevision[]): number | undefined {
  const stack: number[] = [];
  for (const { champion, isWayBack } of history) {
    if (champion === undefined) continue;
    if (isWayBack) while (stack.length > 0 && stack.at(-1) !== champion) stack.pop();
    if (stack.at(-1) !== champion) stack.push(champion);
  }
  return history.at(-1)?.champion === undefined ? stack.at(-1) : stack.at(-2);
}

/** Resolves when the work has settled or the time is over, whichever is first. Never rejects. */
export async function withDeadline(work: Promise<unknown>, timeoutMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, timeoutMs);
  });
  await Promise.race([
    work.then(
      () => {},
      () => {},
    ),
    deadline,
  ]);
  clearTimeout(timer);
}

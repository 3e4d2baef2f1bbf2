/**
 * A counter of a process's `/metrics`, by the value of one of its labels; empty where nothing has been counted.
 *
 * @param base address of the process
 * @param name as Prometheus has it, with `_total`
 */
export async function countersOf(base: string, name: string, label: string): Promise<Record<string, number>> {
  const text = await (await fetch(`${base}/metrics`)).text();
  const counted: Record<string, number> = {};
  for (const [, labels, value] of text.matchAll(new RegExp(`^${name}\\{([^}]*)\\} (\\S+)`, 'gm'))) {
    const key = new RegExp(`${label}="([^"]*)"`).exec(labels!)?.[1] ?? '';
    counted[key] = (counted[key] ?? 0) + Number(value);
  }
  return counted;
}

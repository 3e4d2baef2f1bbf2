const SEVERITY: Readonly<Record<string, number>> = { trace: 10, debug: 20, info: 30, warn: 40, error: 50, fatal: 60, silent: 100 };

/** Fields that the terminal shows otherwise or that say nothing there. */
const HIDDEN = new Set(['level', 'time', 'service', 'msg', 'err', 'pid', 'hostname']);

/**
 * A line of a service's log as the terminal shows it; `undefined` when it is below the level. What is not a line of the logger (a
 * crash of Node itself, a warning) is shown whenever warnings are, without the indented rest of it: that is in the log file.
 */
export function terminalLine(service: string, line: string, minLevel: string): string | undefined {
  const threshold = SEVERITY[minLevel] ?? 0;
  const entry = parse(line);
  if (entry === undefined) return /^\S/.test(line) && (SEVERITY['warn'] ?? 0) >= threshold ? `${service} ${line}` : undefined;
  if ((SEVERITY[entry.level] ?? 0) < threshold) return undefined;
  return `${service} ${entry.level} ${entry.msg}${details(entry)}`;
}

interface Entry extends Readonly<Record<string, unknown>> {
  readonly level: string;
  readonly msg: string;
  readonly err?: { readonly message?: string };
}

function parse(line: string): Entry | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    const entry = JSON.parse(line) as Record<string, unknown>;
    return typeof entry['level'] === 'string' ? ({ ...entry, msg: String(entry['msg'] ?? '') } as unknown as Entry) : undefined;
  } catch {
    return undefined;
  }
}

function details(entry: Entry): string {
  const fields = Object.entries(entry).flatMap(([name, value]) =>
    HIDDEN.has(name) ? [] : [`${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`],
  );
  const reason = entry.err?.message;
  return `${reason && !entry.msg.includes(reason) ? `: ${reason}` : ''}${fields.length > 0 ? ` (${fields.join(' ')})` : ''}`;
}

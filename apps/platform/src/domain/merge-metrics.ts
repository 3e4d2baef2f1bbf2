/** One process's metrics in Prometheus' text format. */
export interface MetricsText {
  readonly service: string;
  readonly text: string;
}

interface Family {
  readonly comments: Map<string, string>;
  readonly samples: string[];
}

const SUFFIX = /_(?:bucket|sum|count)$/;

/**
 * One text of many: every sample gets a label `service` (unless it has one), and the samples of a metric stand together below one HELP
 * and TYPE, as the format demands.
 */
export function mergeMetrics(texts: readonly MetricsText[]): string {
  const families = new Map<string, Family>();
  for (const { service, text } of texts) {
    for (const line of text.split('\n')) addLine(families, service, line.trim());
  }
  return [...families.values()].flatMap(({ comments, samples }) => [...comments.values(), ...samples, '']).join('\n');
}

function addLine(families: Map<string, Family>, service: string, line: string): void {
  const comment = /^# (HELP|TYPE) (\S+)/.exec(line);
  if (comment) {
    const [, kind = '', name = ''] = comment;
    const { comments } = familyOf(families, name);
    if (!comments.has(kind)) comments.set(kind, line);
    return;
  }
  const sample = /^([A-Za-z_:][\w:]*)(?:\{(.*)\})?(\s+.*)$/.exec(line);
  if (sample === null) return;
  const [, name = '', labels = '', rest = ''] = sample;
  familyOf(families, families.has(name) ? name : name.replace(SUFFIX, '')).samples.push(`${name}{${withService(labels, service)}}${rest}`);
}

function familyOf(families: Map<string, Family>, name: string): Family {
  const known = families.get(name);
  if (known) return known;
  const family: Family = { comments: new Map(), samples: [] };
  families.set(name, family);
  return family;
}

function withService(labels: string, service: string): string {
  if (/(?:^|,)service="/.test(labels)) return labels;
  return labels === '' ? `service="${service}"` : `service="${service}",${labels}`;
}

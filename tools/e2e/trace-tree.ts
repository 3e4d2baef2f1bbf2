import type { ReceivedSpan } from '@throughline/telemetry/testing';

/** Span kinds by their number in OTLP. */
const KINDS = ['unspecified', 'internal', 'server', 'client', 'producer', 'consumer'];

/** The spans of one trace as indented lines, `service: name (kind)`; siblings by service and name. A span whose parent is missing stands at the left. */
export function treeOf(spans: readonly ReceivedSpan[]): string[] {
  const ids = new Set(spans.map(({ spanId }) => spanId));
  const childrenOf = (parent: string | undefined): ReceivedSpan[] =>
    spans
      .filter(({ parentSpanId }) => (parentSpanId !== undefined && ids.has(parentSpanId) ? parentSpanId : undefined) === parent)
      .sort((a, b) => `${a.service} ${a.name}`.localeCompare(`${b.service} ${b.name}`));
  const linesOf = (span: ReceivedSpan, depth: number): string[] => [
    `${'  '.repeat(depth)}${span.service}: ${span.name} (${KINDS[span.kind]})`,
    ...childrenOf(span.spanId).flatMap((child) => linesOf(child, depth + 1)),
  ];
  return childrenOf(undefined).flatMap((root) => linesOf(root, 0));
}

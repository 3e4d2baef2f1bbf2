import { mermaidDiagram, topicsTable } from '@throughline/contracts';
import { commonSettings, settingsTable } from '@throughline/settings';
import { existsSync, readFileSync } from 'node:fs';

/** Parts of the README that derive from the code, by the name in their markers. */
export function generatedSections(root: string): Record<string, string> {
  const benchmark = `${root}benchmarks/summary.md`;
  return {
    diagram: ['```mermaid', mermaidDiagram(), '```'].join('\n'),
    topics: topicsTable(),
    settings: settingsTable(commonSettings),
    ...(existsSync(benchmark) && { benchmark: readFileSync(benchmark, 'utf8').trim() }),
  };
}

/** Puts every section between its markers, `<!-- begin NAME -->` and `<!-- end NAME -->`. */
export function withSections(text: string, sections: Record<string, string>): string {
  return Object.entries(sections).reduce((document, [name, content]) => {
    const between = new RegExp(`(<!-- begin ${name} -->\\n)[\\s\\S]*?(<!-- end ${name} -->)`);
    if (!between.test(document)) throw new Error(`the document has no markers for "${name}"`);
    return document.replace(between, (_all, begin: string, end: string) => `${begin}${content}\n${end}`);
  }, text);
}

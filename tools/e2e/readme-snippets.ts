import { readFileSync } from 'node:fs';

export interface Snippet {
  /** What has to be installed for it, such as kcat; absent when nothing has. */
  readonly needs: string | undefined;
  readonly script: string;
}

/** The shell blocks of a Markdown file that are marked `<!-- runs -->` or `<!-- runs PROGRAM -->`. */
export function runnableSnippets(path: string): Snippet[] {
  const text = readFileSync(path, 'utf8');
  return Array.from(text.matchAll(/<!-- runs ?(\w*) -->\n```sh\n([\s\S]*?)```/g), ([, needs = '', script = '']) => ({ needs: needs === '' ? undefined : needs, script }));
}

/** One command a line; a line that ends in a backslash goes on. */
export function commandsOf({ script }: Snippet): string[] {
  return script.replaceAll('\\\n', ' ').split('\n').map((line) => line.trim()).filter((line) => line !== '' && !line.startsWith('#'));
}

import type { Setting, Settings } from './define.js';

/** A Markdown table of settings: name, meaning, what is expected (and its unit), default. */
export function settingsTable(definitions: Settings): string {
  const rows = Object.entries(definitions).map(
    ([name, setting]) => `| \`${name}\` | ${cell(setting.meaning)} | ${expected(setting)} | ${defaultOf(setting)} |`,
  );
  return ['| setting | meaning | expected | default |', '|---|---|---|---|', ...rows].join('\n');
}

/** An env file in which every setting is commented out with its default. */
export function settingsEnvFile(definitions: Settings): string {
  return Object.entries(definitions)
    .map(([name, setting]) => `# ${setting.meaning}: ${setting.parse.expected}${unit(setting)}\n#${name}=${setting.secret ? '' : plain(setting.default)}\n`)
    .join('\n');
}

const unit = (setting: Setting<unknown>): string => (setting.unit === undefined ? '' : `, in ${setting.unit}`);
const cell = (text: string): string => text.replaceAll('|', '\\|');
const expected = (setting: Setting<unknown>): string => cell(setting.parse.expected + unit(setting));
const plain = (value: unknown): string => (value === undefined ? '' : String(value));

function defaultOf(setting: Setting<unknown>): string {
  if (setting.default !== undefined && setting.default !== '') return `\`${cell(plain(setting.default))}\``;
  return setting.required ? 'required' : 'none';
}

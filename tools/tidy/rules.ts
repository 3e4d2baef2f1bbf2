/** One rule of the house: given a file, the lines that break it. Pure, so that each rule is tested on its own examples. */
export interface Rule {
  readonly name: string;
  readonly why: string;
  readonly appliesTo: (path: string) => boolean;
  readonly violations: (file: SourceFile) => string[];
}

export interface SourceFile {
  readonly path: string;
  readonly text: string;
}

/** Long files hide what they do; the few that need more say so by being listed. */
const MAX_LINES = 300;

const isSource = (path: string): boolean => /\.(ts|mts|mjs|js)$/.test(path);
const isProduct = (path: string): boolean => /^(apps|libs)\/[^/]+\/src\//.test(path) && path.endsWith('.ts');
/** The examples of faults in the test of these rules are no faults. */
const isExample = (path: string): boolean => path.startsWith('tools/tidy/');
const isTest = (path: string): boolean => /\.spec\.ts$|\/test(ing)?[/.]/.test(path);
const isText = (path: string): boolean => /\.(ts|mts|mjs|js|json|ya?ml|md|sh|py|xml|toml)$|^\.ci\/run$|^\.npmrc$/.test(path);

const linesMatching =
  (pattern: RegExp) =>
  ({ path, text }: SourceFile): string[] =>
    text.split('\n').flatMap((line, index) => (pattern.test(line) ? [`${path}:${index + 1}: ${line.trim().slice(0, 120)}`] : []));

export const RULES: readonly Rule[] = [
  {
    name: 'domain code takes clock, ids and randomness as parameters',
    why: 'a decision that reads the clock cannot be replayed',
    appliesTo: (path) => isProduct(path) && path.includes('/domain/') && !isTest(path),
    violations: linesMatching(/Date\.now\(|new Date\(\)|performance\.now\(|Math\.random\(|randomUUID\(|randomBytes\(|process\.(env|hrtime)|setTimeout\(|setInterval\(/),
  },
  {
    name: 'domain code knows no framework, broker, database or network',
    why: 'what is pure can be read and tested alone',
    appliesTo: (path) => isProduct(path) && path.includes('/domain/') && !isTest(path),
    violations: linesMatching(/from '(@nestjs\/|typeorm|pg'|kafkajs|@throughline\/(bus|db|http|telemetry|onnx)|node:(fs|net|http|child_process|worker_threads))/),
  },
  {
    name: 'only libs/bus talks to a Kafka client',
    why: 'the traps of the client are handled once',
    appliesTo: (path) => isSource(path) && !path.startsWith('libs/bus/') && !path.startsWith('tools/bench/') && !isExample(path),
    violations: linesMatching(/(from|import\(|require\() ?'(kafkajs|@platformatic\/kafka|node-rdkafka)'/),
  },
  {
    name: `a source file has at most ${MAX_LINES} lines`,
    why: 'a file does one thing',
    appliesTo: isSource,
    violations: ({ path, text }) => {
      const lines = text.split('\n').length;
      return lines > MAX_LINES ? [`${path}: ${lines} lines`] : [];
    },
  },
  {
    name: 'file names are kebab-case',
    why: 'one file system is case-insensitive, the other is not',
    appliesTo: (path) => isProduct(path),
    violations: ({ path }) => (/^[a-z0-9-]+(\.[a-z0-9-]+)*\.ts$/.test(path.slice(path.lastIndexOf('/') + 1)) ? [] : [path]),
  },
  {
    name: 'units close a name',
    why: 'latencyMs reads as a quantity, msLatency does not',
    appliesTo: (path) => isProduct(path),
    violations: linesMatching(/\b(const|let|readonly) (ms|millis|seconds|bytes|micros)[A-Z]\w*/),
  },
  {
    name: 'services and libraries log through the logger',
    why: 'a line without a level, a time and a service helps nobody at night',
    appliesTo: (path) => isProduct(path) && !/^apps\/(cli|demo|platform)\//.test(path) && !isTest(path),
    violations: linesMatching(/\bconsole\.\w+\(/),
  },
  {
    name: 'what runs in production imports nothing that was made for tests',
    why: 'a service must start without them',
    appliesTo: (path) => isProduct(path) && !isTest(path),
    violations: linesMatching(/(from|import\() ?'(@throughline\/testing'|@throughline\/\w+\/testing'|\..*\/testing(\/|\.js'))/),
  },
  {
    name: 'no focused or skipped test is left behind',
    why: 'a test that does not run guards nothing',
    appliesTo: (path) => path.endsWith('.spec.ts') && !isExample(path),
    violations: linesMatching(/\b(it|test|describe)\.(only|skip|todo)\(/),
  },
  {
    name: 'nothing names a machine’s path or a registry’s host',
    why: 'the next machine is another one',
    appliesTo: (path) => isText(path) && !isExample(path),
    violations: linesMatching(/\/(root|work)\/(?!\.m2)[a-z.]|registry\.npmjs|repo1?\.maven|pypi\.org|proxy\.golang/),
  },
  {
    name: 'the lock file carries no download addresses',
    why: 'it must install from any registry',
    appliesTo: (path) => path === 'package-lock.json',
    violations: linesMatching(/"resolved": "http/),
  },
];

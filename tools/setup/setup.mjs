// Makes a fresh clone ready: installs what the lock file says, builds. Runs before `npm start`, `npm test` and `npm run bench`, on whatever
// Node the machine has (20 or later), therefore without a single dependency. Says nothing when there is nothing to do.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));
const stampFile = join(root, 'node_modules', '.installed-for');
const OLDEST_NODE = 20;
/** What takes longer is announced. */
const QUIET_MS = 2000;

function installFingerprint() {
  const hash = createHash('sha256');
  for (const file of ['package.json', 'package-lock.json']) hash.update(readFileSync(join(root, file)));
  return hash.update(process.platform).update(process.arch).digest('hex');
}

const isInstalled = () =>
  existsSync(join(root, 'node_modules', '.bin', 'node')) && existsSync(stampFile) && readFileSync(stampFile, 'utf8') === installFingerprint();

/** Shows what is being done once it takes longer than a glance; rewrites its line on a terminal, adds a line every ten seconds elsewhere. */
function progress(what) {
  const startMs = Date.now();
  let shown = false;
  const timer = setInterval(() => {
    const elapsedMs = Date.now() - startMs;
    if (elapsedMs < QUIET_MS) return;
    const line = `  ${what} … ${Math.round(elapsedMs / 1000)} s`;
    if (process.stderr.isTTY) process.stderr.write(`\r${line}`);
    else if (!shown || Math.round(elapsedMs / 1000) % 10 === 0) process.stderr.write(`${line}\n`);
    shown = true;
  }, 1000);
  return () => {
    clearInterval(timer);
    if (shown) process.stderr.write(`${process.stderr.isTTY ? '\r' : ''}  ${what}: done in ${Math.round((Date.now() - startMs) / 1000)} s\n`);
  };
}

/** Runs a command quietly; on failure shows all it said and ends the process with its code. */
async function run(what, command, args) {
  const done = progress(what);
  const said = [];
  const child = spawn(command, args, { cwd: root, env: { ...process.env, ONNXRUNTIME_NODE_INSTALL: 'skip' } });
  child.stdout.on('data', (chunk) => said.push(chunk));
  child.stderr.on('data', (chunk) => said.push(chunk));
  const code = await new Promise((resolve) => {
    child.on('error', (error) => {
      said.push(Buffer.from(`${error.message}\n`));
      resolve(127);
    });
    child.on('close', resolve);
  });
  done();
  if (code === 0) return;
  process.stderr.write(`${Buffer.concat(said)}\n  ${what} failed: \`${command} ${args.join(' ')}\` ended with ${code}. Mend what it says above and run the same command again.\n`);
  process.exit(code ?? 1);
}

if (Number(process.versions.node.split('.')[0]) < OLDEST_NODE) {
  process.stderr.write(`  Node ${process.version} is too old: install Node ${OLDEST_NODE} or later (the rest is installed from here).\n`);
  process.exit(1);
}
// `throughline doctor` asks without wanting anything changed.
if (process.argv.includes('--check')) {
  if (!isInstalled()) process.stdout.write('the installed packages are not known to be those of package-lock.json\n');
  process.exit(isInstalled() ? 0 : 1);
}
if (!isInstalled()) {
  await run('installing dependencies', 'npm', ['ci', '--no-progress']);
  writeFileSync(stampFile, installFingerprint());
}
await run('building', join(root, 'node_modules', '.bin', 'node'), [join(root, 'node_modules', 'typescript', 'bin', 'tsc'), '-b']);

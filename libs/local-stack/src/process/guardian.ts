import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';

/** Services end before what they stand on. */
export type Tier = 'service' | 'infrastructure';

/**
 * Reads `add TIER PID SIGNAL` and `del PID` until its input ends, which it does however the parent dies; then ends what is still
 * listed, tier by tier, by force after ten seconds. A shell, because it must cost next to nothing and run on Linux and macOS alike.
 */
const SCRIPT = `
listed=
while read -r op a b c; do
  case $op in
    add) listed="$a:$b:$c $listed" ;;
    del) kept=; for e in $listed; do case $e in *:"$a":*) ;; *) kept="$kept$e " ;; esac; done; listed=$kept ;;
  esac
done
each() { for e in $listed; do case $e in "$1":*) rest=\${e#*:}; "$2" "\${rest%%:*}" "\${rest#*:}" ;; esac; done; }
ask() { kill -"$2" "$1" 2>/dev/null; }
force() { kill -KILL "$1" 2>/dev/null; }
probe() { kill -0 "$1" 2>/dev/null && alive=1; }
for tier in service infrastructure; do
  each $tier ask
  n=0
  while [ $n -lt 100 ]; do
    alive=; each $tier probe
    [ -n "$alive" ] || break
    sleep 0.1; n=$((n+1))
  done
  [ -z "$alive" ] || each $tier force
done
`;

let guardian: ChildProcess | undefined;

/** Has `pid` ended by `signal` should this process die without doing so itself, even by SIGKILL. */
export function guard(pid: number, tier: Tier, signal: 'INT' | 'TERM'): void {
  guardian ??= startGuardian();
  guardian.stdin?.write(`add ${tier} ${pid} ${signal}\n`);
}

/** Forgets a process that has ended. */
export function unguard(pid: number): void {
  guardian?.stdin?.write(`del ${pid}\n`);
}

function startGuardian(): ChildProcess {
  // In a process group of its own: the terminal's Ctrl-C must not reach it.
  const child = spawn('/bin/sh', ['-c', SCRIPT], { detached: true, stdio: ['pipe', 'ignore', 'ignore'] });
  child.stdin?.on('error', () => undefined);
  child.unref();
  (child.stdin as unknown as { unref?: () => void } | null)?.unref?.();
  return child;
}

import { type ChildProcess, spawn } from 'node:child_process';
import type { Socket } from 'node:net';

/**
 * Reads "+ pid" and "- pid" lines. At the end of its input, which is the end of this process however it came about, it
 * stops what is left: SIGTERM, after 5 s SIGKILL. Signals that a terminal sends to everyone do not concern it.
 */
const SCRIPT = `
trap '' INT TERM HUP
pids=' '
while read -r sign pid; do
  case $sign in
    +) pids="$pids$pid " ;;
    -) pids="\${pids%% $pid *} \${pids#* $pid }" ;;
  esac
done
left() { for pid in $pids; do kill -0 "$pid" 2>/dev/null && return 0; done; return 1; }
for pid in $pids; do kill -TERM "$pid" 2>/dev/null; done
tries=0
while left && [ $tries -lt 50 ]; do sleep 0.1; tries=$((tries + 1)); done
for pid in $pids; do kill -KILL "$pid" 2>/dev/null; done
exit 0
`;

const watched = new Set<number>();
let reaper: ChildProcess | null = null;

/** Makes sure that `child` does not outlive this process, not even when this one is killed. */
export function watchChild(child: ChildProcess): void {
  const { pid } = child;
  if (pid === undefined || process.platform === 'win32') return;
  reaper ??= startReaper();
  watched.add(pid);
  reaper.stdin?.write(`+ ${pid}\n`);
  child.once('exit', () => {
    watched.delete(pid);
    reaper?.stdin?.write(`- ${pid}\n`);
    if (watched.size > 0) return;
    reaper?.stdin?.end();
    reaper = null;
  });
}

function startReaper(): ChildProcess {
  // In a session of its own: a closed terminal must not take the reaper before its time.
  const started = spawn('/bin/sh', ['-c', SCRIPT], { stdio: ['pipe', 'ignore', 'ignore'], detached: true });
  started.on('error', () => {});
  started.stdin.on('error', () => {});
  started.unref();
  (started.stdin as Socket).unref();
  return started;
}

import { spawn } from 'node:child_process';
import { watchChild } from '../cluster/reaper.js';

export interface ProgramOptions {
  readonly cwd?: string;
  readonly env: NodeJS.ProcessEnv;
  /** Ends the program, and all that it started. */
  readonly signal?: AbortSignal;
}

export interface ProgramResult {
  /** Null when a signal ended it, or it could not be started. */
  readonly exitCode: number | null;
  readonly stdout: string;
  /** The end of what it printed on both streams. */
  readonly output: string;
}

/** Runs a program to its end and keeps what it prints. */
export async function runProgram(
  program: string,
  args: readonly string[],
  { cwd, env, signal }: ProgramOptions,
): Promise<ProgramResult> {
  // What is to be killed with all that it started leads a process group of its own.
  const child = spawn(program, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'], detached: signal !== undefined });
  watchChild(child);
  const kill = () => {
    if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, 'SIGKILL');
  };
  signal?.addEventListener('abort', kill, { once: true });
  let stdout = '';
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
    output = (output + text).slice(-8000);
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output = (output + text).slice(-8000)));
  const exitCode = await new Promise<number | null>((resolve) => {
    child.on('error', (error) => {
      output += error.message;
      resolve(null);
    });
    child.on('close', resolve);
  });
  signal?.removeEventListener('abort', kill);
  return { exitCode, stdout, output };
}

/** The last lines of an output, for a message. */
export function lastLines(output: string, count = 8): string {
  return output.trim().split('\n').slice(-count).join('\n');
}

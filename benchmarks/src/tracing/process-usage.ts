import { readFileSync } from 'node:fs';
import type { LocalCluster } from '@sliceway/local';

/** USER_HZ: what `/proc` counts CPU time in, on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;
const PAGE_BYTES = 4096;
/** Of the fields after the program's name in parentheses, as proc(5) numbers them less 3. */
const UTIME = 11;
const STIME = 12;

/** CPU time of all threads of the cluster's services so far, their broker left out. */
export function cpuSecondsOf(cluster: LocalCluster): number {
  return sumOf(cluster, (pid) => {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[UTIME]) + Number(fields[STIME])) / TICKS_PER_SECOND;
  });
}

/** Megabytes of memory that the cluster's services hold. */
export function residentMegabytesOf(cluster: LocalCluster): number {
  return sumOf(cluster, (pid) => {
    const pages = Number(readFileSync(`/proc/${pid}/statm`, 'latin1').split(' ')[1]);
    return (pages * PAGE_BYTES) / 1e6;
  });
}

function sumOf({ processes }: LocalCluster, read: (pid: number) => number): number {
  return processes.reduce((sum, { isRunning, pid }) => sum + (isRunning && pid !== undefined ? read(pid) : 0), 0);
}

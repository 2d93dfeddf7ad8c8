import { readdirSync, readFileSync } from 'node:fs';
import type { LocalCluster } from '@sliceway/local';

const PAGE_BYTES = 4096;

/** CPU time of the threads that the cluster's services have, their broker left out. `/proc/PID/stat` knows it to 10 ms only. */
export function cpuSecondsOf(cluster: LocalCluster): number {
  return sumOf(cluster, (pid) => {
    const tasks = `/proc/${pid}/task`;
    const nanoseconds = (task: string): number =>
      Number(readFileSync(`${tasks}/${task}/schedstat`, 'latin1').split(' ')[0]);
    return readdirSync(tasks).reduce((sum, task) => sum + nanoseconds(task), 0) / 1e9;
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

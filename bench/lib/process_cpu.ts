/**
 * The processor time and memory of a process, read from Linux' `/proc`. Elsewhere the figures are
 * `undefined`, never zero.
 *
 * @module
 */

/** Clock ticks a second in `/proc/<pid>/stat`: fixed at 100 in Linux' interface to user space. */
const TICKS_PER_SECOND = 100;

/** The fields after the command's name, which is in parentheses and may itself hold any of them. */
async function stat(pid: number): Promise<string[] | undefined> {
  try {
    const text = await Deno.readTextFile(`/proc/${pid}/stat`);
    return text.slice(text.lastIndexOf(")") + 2).split(" ");
  } catch {
    return undefined;
  }
}

/** Milliseconds of one core that the process has used since it began, in user and kernel mode. */
export async function cpuMs(pid: number): Promise<number | undefined> {
  const fields = await stat(pid);
  if (!fields) return undefined;
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND * 1000;
}

/** Megabytes that the process holds in memory. */
export async function residentMb(pid: number): Promise<number | undefined> {
  const fields = await stat(pid);
  return fields ? Number(fields[21]) * 4096 / 1e6 : undefined;
}

/** The processes that this one has started and that still run. */
export async function childrenOf(pid: number): Promise<number[]> {
  const found: number[] = [];
  try {
    for await (const entry of Deno.readDir("/proc")) {
      const candidate = Number(entry.name);
      if (!Number.isInteger(candidate)) continue;
      const fields = await stat(candidate);
      if (fields && Number(fields[1]) === pid && fields[0] !== "Z") found.push(candidate);
    }
  } catch {
    // No /proc: not Linux.
  }
  return found.sort((a, b) => a - b);
}

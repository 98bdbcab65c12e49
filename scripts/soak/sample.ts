/**
 * What two processes hold at one moment, read from `/proc`.
 *
 * @module
 */
/** One moment of a soak. */
export interface Sample {
  /** Seconds since the soak began. */
  atS: number;
  /** Which media process it was: they are replaced when a call has ended. */
  round: number;
  /** People in the call. */
  people: number;
  agent: {
    rssMb: number;
    heapMb: number;
    /** What the rings and all other buffers of samples hold. */
    buffersMb: number;
    files: number;
    threads: number;
    /** Deno's own table of what is open: processes, pipes, sockets, timers' files. */
    handles: number;
  };
  media: { rssMb: number; files: number; threads: number };
}

/** What can be read of a process from outside. */
export function readProcess(pid: number | "self"): Sample["media"] {
  const status = Deno.readTextFileSync(`/proc/${pid}/status`);
  const field = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(status)?.[1]);
  return {
    rssMb: field("VmRSS") / 1024,
    files: [...Deno.readDirSync(`/proc/${pid}/fd`)].length,
    threads: field("Threads"),
  };
}

/** What this process holds. What is garbage is collected first, where that can be asked for. */
export function readSelf(): Sample["agent"] {
  (globalThis as { gc?: () => void }).gc?.();
  const { heapUsed, external } = Deno.memoryUsage();
  return {
    ...readProcess("self"),
    heapMb: heapUsed / 2 ** 20,
    buffersMb: external / 2 ** 20,
    handles: openHandles(),
  };
}

/** How much Deno has open. */
export function openHandles(): number {
  const internal = (Deno as unknown as { internal: string }).internal;
  // deno-lint-ignore no-explicit-any -- there is no public way to ask any more
  return Object.keys((Deno as any)[internal].core.resources()).length;
}

/**
 * Describes the machine that a figure was measured on: without it no figure means anything.
 *
 * @module
 */

/** What a reader needs in order to compare figures. */
export interface Machine {
  os: string;
  cores: number;
  cpu: string;
  deno: string;
  date: string;
  /** Programs that wanted a core in the last minute before: a busy machine measures itself. */
  load: number;
}

async function cpuName(): Promise<string> {
  try {
    const text = await Deno.readTextFile("/proc/cpuinfo");
    return text.match(/^(?:model name|Model)\s*:\s*(.+)$/m)?.[1]?.trim() ?? Deno.build.arch;
  } catch {
    return Deno.build.arch;
  }
}

/** Describes the machine that this runs on. */
export async function describeMachine(): Promise<Machine> {
  return {
    os: `${Deno.build.os} ${Deno.build.arch}`,
    cores: navigator.hardwareConcurrency,
    cpu: await cpuName(),
    deno: Deno.version.deno,
    date: new Date().toISOString().slice(0, 10),
    load: Deno.loadavg()[0]!,
  };
}

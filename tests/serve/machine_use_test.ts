/** What the CPU and memory in use are measured as: fake figures in virtual time, and the machine's own. */
import { assert, assertEquals } from "@std/assert";
import os from "node:os";
import { type MachineFigures, machineMeter } from "../../src/serve/machine_use.ts";
import { VirtualClock } from "../../src/testing/virtual_clock.ts";

/** A machine of four processors, and the files of a control group. */
class FakeMachine implements MachineFigures {
  readonly clock = new VirtualClock();
  readonly files: Record<string, string> = {};
  ownMs = 0;
  busyMs = 0;
  readonly file = (path: string): string | undefined =>
    this.files[path.replace("/sys/fs/cgroup/", "")];
  readonly memory = () => ({ total: 1000, available: 750 });
  ownCpuMs(): number {
    return this.ownMs;
  }
  processors() {
    return { used: this.busyMs, all: 4 * this.clock.now() };
  }
}

Deno.test("machineMeter measures over a second at least: a start does not look like a busy machine", async () => {
  const machine = new FakeMachine();
  const { clock } = machine;
  const measure = machineMeter(clock, machine);
  await clock.advance(1);
  Object.assign(machine, { ownMs: 1, busyMs: 4 });
  assertEquals(measure().cpu, undefined);
  await clock.advance(999);
  Object.assign(machine, { ownMs: 300, busyMs: 800 });
  assertEquals(measure().cpu, 0.3, "its own share of one processor is more than 800 of 4000");
  await clock.advance(10);
  machine.ownMs += 10;
  assertEquals(measure().cpu, 0.3, "as before, until there is more to measure");
  await clock.advance(990);
  machine.busyMs += 3600;
  assertEquals(measure().cpu, 0.9);
});

Deno.test("machineMeter measures a container by its own limits, without the cache of files", async () => {
  const machine = new FakeMachine();
  const { clock, files } = machine;
  Object.assign(files, {
    "cpu.max": "200000 100000\n",
    "cpu.stat": "usage_usec 5000000\nuser_usec 4000000\n",
    "memory.max": "1000\n",
    "memory.current": "950\n",
    "memory.stat": "anon 300\nfile 600\ninactive_file 550\nactive_file 50\n",
  });
  const measure = machineMeter(clock, machine);
  assertEquals(measure(), { cpu: undefined, memory: 0.4 });
  await clock.advance(1000);
  // The machine's processors are all busy, and not by this container.
  machine.busyMs = 4000;
  files["cpu.stat"] = "usage_usec 6000000\nuser_usec 4500000\n";
  assertEquals(measure().cpu, 0.5, "one second of the two that its limit allows");
  Object.assign(files, { "cpu.max": "max 100000\n", "memory.max": "max\n" });
  await clock.advance(1000);
  machine.busyMs = 7000;
  assertEquals(measure(), { cpu: 0.75, memory: 0.25 }, "without limits, those of the machine");
});

Deno.test({
  name: "machineMeter asks for nothing that is not granted: a terminal would prompt",
  permissions: "none",
  async fn() {
    const clock = new VirtualClock();
    const asked: string[] = [];
    const { readTextFileSync, systemMemoryInfo } = Deno;
    const { cpus } = os;
    const note = (what: string) => (): never => {
      asked.push(what);
      throw new Error("not granted");
    };
    try {
      Deno.readTextFileSync = note("a file");
      Deno.systemMemoryInfo = note("memory");
      os.cpus = note("processors");
      const measure = machineMeter(clock);
      await clock.advance(1000);
      const { cpu, memory } = measure();
      assertEquals([asked, memory], [[], undefined]);
      assert(cpu !== undefined && cpu >= 0 && cpu <= 1, `its own: ${cpu}`);
    } finally {
      Object.assign(Deno, { readTextFileSync, systemMemoryInfo });
      os.cpus = cpus;
    }
  },
});

Deno.test("machineMeter measures this machine", async () => {
  const clock = new VirtualClock();
  const measure = machineMeter(clock);
  await clock.advance(1000);
  const { cpu, memory } = measure();
  assert(cpu !== undefined && cpu >= 0 && cpu <= 1, `${cpu}`);
  assert(memory !== undefined && memory > 0 && memory <= 1, `${memory}`);
});

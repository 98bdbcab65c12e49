import { assert, assertEquals } from "@std/assert";
import { machineMeter } from "../../src/serve/machine_use.ts";
import { VirtualClock } from "../../src/testing/virtual_clock.ts";

Deno.test("machineMeter knows the CPU when a second has passed, and not by a program's first moment", async () => {
  const clock = new VirtualClock();
  const measure = machineMeter(clock);
  assertEquals(measure().cpu, undefined);
  await clock.advance(999);
  assertEquals(measure().cpu, undefined);
  await clock.advance(1);
  const { cpu } = measure();
  assert(cpu !== undefined && cpu >= 0 && cpu <= 1, `${cpu}`);
  await clock.advance(500);
  assertEquals(measure().cpu, cpu, "kept until another second has passed");
});

Deno.test({
  name: "machineMeter measures what it may: without --allow-sys the program's own CPU alone",
  permissions: { sys: false, read: false },
  async fn() {
    const clock = new VirtualClock();
    const measure = machineMeter(clock);
    await clock.advance(1000);
    const { cpu, memory } = measure();
    assertEquals([typeof cpu, memory], ["number", undefined]);
  },
});

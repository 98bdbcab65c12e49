/** The media process of a published package, in a project with a lock file that it cannot write. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { OfflineMachine } from "./_offline.ts";

const FLAGS = ["--allow-run", "--allow-env"];

/** Takes what only the media process imports out of a lock file. */
async function removeWrtc(lock: string): Promise<string> {
  const whole = JSON.parse(await Deno.readTextFile(lock), (_, value) => {
    const isWrtc = (name: string) => name.includes("@roamhq/wrtc");
    if (Array.isArray(value)) return value.filter((name) => !isWrtc(name));
    if (typeof value !== "object") return value;
    return Object.fromEntries(Object.entries(value).filter(([name]) => !isWrtc(name)));
  });
  const text = JSON.stringify(whole);
  await Deno.writeTextFile(lock, text);
  return text;
}

Deno.test("the media process uses the project's lock file, and never writes it", async () => {
  await using machine = await OfflineMachine.make();
  const whole = await Deno.readTextFile(machine.lock);
  const locked = await machine.run(FLAGS);
  assertStringIncludes(locked.out, "joined", locked.err);
  assert(!locked.err.includes("lacks"), locked.err);
  assertEquals(await Deno.readTextFile(machine.lock), whole);

  // A program that runs without it: Deno itself would refuse to.
  const lacking = await removeWrtc(machine.lock);
  const without = await machine.run([...FLAGS, "--no-lock"]);
  assertStringIncludes(without.out, "joined", without.err);
  assertMatch(without.err, /deno\.lock lacks what the media process imports/);
  assertEquals(await Deno.readTextFile(machine.lock), lacking);
});

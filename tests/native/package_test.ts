import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { library } from "./kernels.ts";
import { UserFolder } from "./user_folder.ts";

Deno.test("as a user gets it: added to an empty folder, the audio functions run with what is allowed", async () => {
  await using folder = await UserFolder.make();
  await folder.write(
    "main.ts",
    `import { loadKernel, PcmChunk, RingBuffer } from "@ringline/edge/audio";
     const kernel = loadKernel({ logger: console.log });
     using ring = new RingBuffer({ sampleRate: 16_000, kernel });
     const chunk = new PcmChunk(new Int16Array(960).fill(1000), { sampleRate: 48_000 });
     console.log(ring.write(chunk), ring.read()?.samples[319]);`,
  );
  await folder.deno(["check", "main.ts"]);

  const without = await folder.deno(["run", "--no-prompt", "main.ts"]);
  assertMatch(without.out, /^audio kernel: wasm \(simd128; not native: .*\n1 1000\n$/);

  const broken = `${folder.path}/broken.so`;
  await Deno.writeTextFile(broken, "not a library");
  const withBroken = await folder.deno(["run", "-A", "main.ts"], { RINGLINE_NATIVE: broken });
  assertMatch(withBroken.out, /^audio kernel: wasm .*RINGLINE_NATIVE: .*\n1 1000\n$/);

  if (library === undefined) return;
  const named = await folder.deno(
    ["run", "--allow-ffi", "--allow-env=RINGLINE_NATIVE", "main.ts"],
    { RINGLINE_NATIVE: library },
  );
  assertMatch(named.out, /^audio kernel: native \(\w+, RINGLINE_NATIVE\)\n1 1000\n$/);

  const installed = await folder.deno(["run", "-A", `${folder.specifier}/install`]);
  assertStringIncludes(installed.out, "built from sources");
  const native = await folder.deno(["run", "-A", "main.ts"]);
  assertMatch(native.out, /^audio kernel: native \(\w+, installed library\)\n1 1000\n$/);
});

Deno.test("as a user gets it: an agent over an edge in memory runs with no permission", async () => {
  await using folder = await UserFolder.make();
  await folder.write(
    "main.ts",
    `import { Agent, PcmChunk } from "@ringline/edge";
     import { MemoryEdge, VirtualClock } from "@ringline/edge/testing";
     const clock = new VirtualClock();
     await using edge = new MemoryEdge({ clock });
     let heardMs = 0, saidSamples = 0;
     edge.onAgentAudio = (samples) => saidSamples += samples.filter((sample) => sample > 0).length;
     const agent = new Agent({
       edge,
       agentUser: { id: "echo", name: "Echo" },
       onAudio: ({ pcm }, agent) => {
         heardMs += pcm.durationMs;
         void agent.audio.write(new PcmChunk(pcm.samples.slice(), pcm));
       },
     });
     const call = await agent.createCall("default", "kitchen");
     const anna = edge.enter(call, { userId: "anna" });
     await clock.until(agent.join(call));
     const speech = new Int16Array(16_000).fill(1000);
     await clock.until(anna.speak(new PcmChunk(speech, { sampleRate: 16_000 })));
     await clock.advance(1000);
     await clock.until(agent.close());
     console.log(heardMs, saidSamples > 40_000, clock.pending);`,
  );
  const { out } = await folder.deno(["run", "--no-prompt", "main.ts"]);
  assertEquals(out, "1000 true 0\n");
});

Deno.test("as a user gets it: an agent refuses an edge that rests on another copy of the package", async () => {
  await using folder = await UserFolder.make();
  const copy = folder.copyUrl("src/testing/mod.ts");
  await folder.write(
    "main.ts",
    `import { Agent } from "@ringline/edge";
     import { MemoryEdge } from "${copy}";
     try {
       new Agent({ edge: new MemoryEdge(), agentUser: { id: "echo", name: "Echo" } });
     } catch (error) {
       console.log(error.name, error.message);
     }`,
  );
  const { out } = await folder.deno(["run", "--allow-import", "main.ts"]);
  assertStringIncludes(out, "TypeError edge: its events come from another copy of @ringline/edge");
});

Deno.test("as a user gets it: the parrot runs with the permissions it states", async () => {
  await using folder = await UserFolder.make();
  const examples = new URL("../../examples/", import.meta.url);
  const parrot = await Deno.readTextFile(new URL("parrot.ts", examples));
  await folder.write("parrot.ts", parrot);
  for (const [, name] of parrot.matchAll(/"\.\/(lib\/\w+\.ts)"/g)) {
    await folder.write(name!, await Deno.readTextFile(new URL(name!, examples)));
  }
  const stated = parrot.match(/^\/\/ deno run (.*?) examples\/parrot\.ts/)![1]!.split(" ");

  const args = ["run", "--no-prompt", ...stated, "parrot.ts"];
  await using child = folder.command(args).spawn();
  const errors = child.stderr.text();
  let printed = "";
  for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
    const before = linkIn(printed);
    printed += text;
    const link = linkIn(printed);
    if (before !== undefined || link === undefined) continue;
    const page = await fetch(link);
    assertStringIncludes(await page.text(), "<title>");
    for (const file of ["app.js", "style.css"]) {
      const response = await fetch(new URL(`/${file}`, link));
      assertEquals([file, response.status], [file, 200]);
      await response.body?.cancel();
    }
    child.kill("SIGINT");
  }
  const { code } = await child.status;
  assertEquals(code, 0, printed + await errors);
  assertStringIncludes(printed, "The call is over: left.", await errors);
});

/** The link that a demo has printed. */
function linkIn(printed: string): string | undefined {
  return printed.match(/Open (\S+) in a browser\n/)?.[1];
}

import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { library } from "./kernels.ts";
import { startRegistry } from "./registry_double.ts";

Deno.test("as a user gets it: added to an empty folder, the audio functions run with what is allowed", async () => {
  await using registry = await startRegistry();
  const folder = await Deno.makeTempDir();
  const cache = await Deno.makeTempDir();
  try {
    const deno = async (args: string[], env: Record<string, string> = {}) => {
      const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
        args,
        cwd: folder,
        env: {
          JSR_URL: registry.url,
          DENO_DIR: `${folder}/deno`,
          RINGLINE_CACHE: cache,
          NO_COLOR: "1",
          ...env,
        },
        stdin: "null",
      }).output();
      const decoder = new TextDecoder();
      const [out, err] = [decoder.decode(stdout), decoder.decode(stderr)];
      assertEquals(code, 0, `deno ${args.join(" ")}: ${err}`);
      return { out, err };
    };
    await Deno.writeTextFile(`${folder}/deno.json`, "{}");
    await deno(["add", `jsr:@ringline/edge@${registry.version}`]);
    await Deno.writeTextFile(
      `${folder}/main.ts`,
      `import { loadKernel, PcmChunk, RingBuffer } from "@ringline/edge/audio";
       const kernel = loadKernel({ logger: console.log });
       using ring = new RingBuffer({ sampleRate: 16_000, kernel });
       const chunk = new PcmChunk(new Int16Array(960).fill(1000), { sampleRate: 48_000 });
       console.log(ring.write(chunk), ring.read()?.samples[319]);`,
    );
    await deno(["check", "main.ts"]);

    const without = await deno(["run", "--no-prompt", "main.ts"]);
    assertMatch(without.out, /^audio kernel: wasm \(simd128; not native: .*\n1 1000\n$/);

    const broken = `${folder}/broken.so`;
    await Deno.writeTextFile(broken, "not a library");
    const withBroken = await deno(["run", "-A", "main.ts"], { RINGLINE_NATIVE: broken });
    assertMatch(withBroken.out, /^audio kernel: wasm .*RINGLINE_NATIVE: .*\n1 1000\n$/);

    if (library === undefined) return;
    const named = await deno(["run", "--allow-ffi", "--allow-env=RINGLINE_NATIVE", "main.ts"], {
      RINGLINE_NATIVE: library,
    });
    assertMatch(named.out, /^audio kernel: native \(\w+, RINGLINE_NATIVE\)\n1 1000\n$/);

    const installed = await deno(["run", "-A", `jsr:@ringline/edge@${registry.version}/install`]);
    assertStringIncludes(installed.out, "built from sources");
    const native = await deno(["run", "-A", "main.ts"]);
    assertMatch(native.out, /^audio kernel: native \(\w+, installed library\)\n1 1000\n$/);
  } finally {
    await Deno.remove(folder, { recursive: true });
    await Deno.remove(cache, { recursive: true });
  }
});

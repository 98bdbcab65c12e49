/** The short soak: it runs, it is flat, and what it leaves open is visible. */
import { assert, assertStringIncludes } from "@std/assert";

Deno.test({
  name: "half a minute of joining and leaving leaves nothing behind",
  ignore: Deno.build.os !== "linux",
  async fn() {
    const svg = await Deno.makeTempFile({ suffix: ".svg" });
    try {
      const script = new URL("../../scripts/soak.ts", import.meta.url).href;
      const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
        args: ["run", "-A", "--v8-flags=--expose-gc", script, "--minutes=0.5", `--svg=${svg}`],
      }).output();
      const text = new TextDecoder().decode(stdout);
      console.log(text);
      assert(success, text + new TextDecoder().decode(stderr));
      assertStringIncludes(await Deno.readTextFile(svg), "</svg>");
    } finally {
      await Deno.remove(svg);
    }
  },
});

import { assert, assertEquals } from "@std/assert";

const example = new URL("../../examples/custom_edge.ts", import.meta.url);

Deno.test("the custom edge runs by itself, without any permission, and ends", async () => {
  const command = new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", example.href],
    stdout: "piped",
    stderr: "piped",
  });
  const { code, stdout, stderr } = await command.output();
  assertEquals([code, new TextDecoder().decode(stderr)], [0, ""]);
  assertEquals(new TextDecoder().decode(stdout), "Anna said 500 ms and heard 500 ms.\n");
});

Deno.test("the smallest complete edge has fewer than 120 lines, and names its six steps", async () => {
  const text = await Deno.readTextFile(example);
  assert(text.trimEnd().split("\n").length < 120);
  for (const step of [1, 2, 3, 4, 5, 6]) assert(text.includes(`// Step ${step}: `));
  assert(text.startsWith("// deno run examples/custom_edge.ts"));
});

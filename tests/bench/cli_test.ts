/** The command line that runs a benchmark. */
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { BENCHMARKS, parseRequest, usage } from "../../bench/main.ts";

Deno.test("deno task bench lists the benchmarks without a name, and for --help", () => {
  assertEquals(parseRequest([]), { kind: "help" });
  assertEquals(parseRequest(["--help"]), { kind: "help" });
  for (const name of Object.keys(BENCHMARKS)) assertStringIncludes(usage(), name);
});

Deno.test("parseRequest leaves what follows the name to the benchmark", () => {
  assertEquals(parseRequest(["call", "--json", "--help"]), {
    kind: "run",
    name: "call",
    args: ["--json", "--help"],
  });
});

Deno.test("parseRequest rejects an unknown name or option, with what there is", () => {
  const unknown = parseRequest(["calls"]);
  assertEquals(unknown.kind, "wrong");
  assertMatch(
    unknown.kind === "wrong" ? unknown.message : "",
    /"calls".*call, audio, conversation, lines, turns, hop/,
  );
  assertEquals(parseRequest(["--jsn"]).kind, "wrong");
  assertEquals(parseRequest(["toString"]).kind, "wrong");
});

Deno.test("each benchmark that is listed is a script", async () => {
  for (const name of Object.keys(BENCHMARKS)) {
    const script = new URL(`../../bench/${name}.ts`, import.meta.url);
    assertEquals((await Deno.stat(script)).isFile, true);
  }
});

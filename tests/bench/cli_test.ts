/** The command line that runs a benchmark. */
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { BENCHMARKS, parseRequest, usage } from "../../bench/main.ts";

Deno.test("without a name, and for --help, the benchmarks are listed", () => {
  assertEquals(parseRequest([]), { kind: "help" });
  assertEquals(parseRequest(["--help"]), { kind: "help" });
  for (const name of Object.keys(BENCHMARKS)) assertStringIncludes(usage(), name);
});

Deno.test("what follows the name belongs to the benchmark", () => {
  assertEquals(parseRequest(["call", "--json", "--help"]), {
    kind: "run",
    name: "call",
    args: ["--json", "--help"],
  });
});

Deno.test("an unknown name or option is refused with what there is", () => {
  const unknown = parseRequest(["calls"]);
  assertEquals(unknown.kind, "wrong");
  assertMatch(
    unknown.kind === "wrong" ? unknown.message : "",
    /"calls".*call, audio, conversation, hop/,
  );
  assertEquals(parseRequest(["--jsn"]).kind, "wrong");
  assertEquals(parseRequest(["toString"]).kind, "wrong");
});

Deno.test("every benchmark that is listed is a script", async () => {
  for (const name of Object.keys(BENCHMARKS)) {
    const script = new URL(`../../bench/${name}.ts`, import.meta.url);
    assertEquals((await Deno.stat(script)).isFile, true);
  }
});

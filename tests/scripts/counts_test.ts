import { assertEquals } from "@std/assert";
import { countCargo, countJunit, sum } from "../../scripts/lib/counts.ts";

Deno.test("counts are those of Deno's JUnit report", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(
      `${folder}/some_test.ts`,
      `Deno.test("one", () => {});
       Deno.test("two", () => { throw new Error("no"); });
       Deno.test.ignore("three", () => {});`,
    );
    const report = `${folder}/report.xml`;
    const { success } = await new Deno.Command(Deno.execPath(), {
      args: [
        "test",
        "--no-config",
        "--no-check",
        `--junit-path=${report}`,
        `${folder}/some_test.ts`,
      ],
      stdout: "null",
      stderr: "null",
    }).output();
    const counts = countJunit(await Deno.readTextFile(report), success);
    assertEquals(counts, { passed: 1, failed: 1, skipped: 1 });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("counts leave out what a conformance kit reports as a part that is not there", () => {
  const ignored = (classname: string) =>
    `<testcase name="Edge: a part" classname="./${classname}" time="0.000" line="1" col="10">
       <skipped/>
     </testcase>
     <testcase name="Edge: another" classname="./${classname}" time="0.001"></testcase>`;
  assertEquals(countJunit(ignored("src/testing/conformance/conformance.ts"), true), {
    passed: 1,
    failed: 0,
    skipped: 0,
  });
  assertEquals(countJunit(ignored("docs/writing_an_edge.md#92-101.ts"), true), {
    passed: 1,
    failed: 0,
    skipped: 0,
  });
  assertEquals(countJunit(ignored("tests/e2e/join_test.ts"), true), {
    passed: 1,
    failed: 0,
    skipped: 1,
  });
});

Deno.test("counts have one failure for a run that failed without a failed test", () => {
  assertEquals(countJunit("", false), { passed: 0, failed: 1, skipped: 0 });
  assertEquals(countCargo("", false), { passed: 0, failed: 1, skipped: 0 });
});

Deno.test("counts are the sum of cargo's test programs", () => {
  const printed = "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured\n" +
    "test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured\n";
  const counts = countCargo(printed, false);
  assertEquals(counts, { passed: 4, failed: 2, skipped: 1 });
  assertEquals(sum([counts, counts]), { passed: 8, failed: 4, skipped: 2 });
});

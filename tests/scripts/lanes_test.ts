import { assert, assertEquals } from "@std/assert";
import {
  COMPUTING,
  covers,
  filesOf,
  laneOf,
  LANES,
  LISTED,
  LONGER,
  mannerOf,
  testFiles,
  TIMED,
  UNTIMED,
  WAITING,
} from "../../scripts/lib/lanes.ts";

const files = await testFiles();

Deno.test("lanes list only files and folders that hold tests", () => {
  const lists = [LISTED.e2e, LISTED.world, LONGER, TIMED, UNTIMED, COMPUTING, WAITING];
  const listed = lists.flat();
  const stale = listed.filter((one) => !files.some((path) => covers(one, path)));
  assertEquals(stale, []);
});

Deno.test("lanes run every test file, each in its own, and only longer ones once more", () => {
  const counts = Map.groupBy(LANES.flatMap((lane) => filesOf(lane, files)), (path) => path);
  assertEquals([...counts.keys()].sort(), files);
  for (const [path, { length }] of counts) {
    assertEquals(length, LONGER.some((one) => covers(one, path)) ? 2 : 1, path);
    const listed = [LISTED.e2e, LISTED.world].filter((list) =>
      list.some((one) => covers(one, path))
    );
    assert(listed.length <= 1, `${path} is listed for two lanes`);
  }
});

Deno.test("lanes put a test that is not listed into the unit lane", () => {
  assertEquals(laneOf("tests/audio/mixer_test.ts"), "unit");
  assertEquals(laneOf("tests/e2e/call_media_test.ts"), "e2e");
  assertEquals(laneOf("tests/soak/soak_test.ts"), "world");
});

Deno.test("lanes run alone what measures time, and what may run with it only outside unit tests", () => {
  assertEquals(mannerOf("unit", "tests/testing/simulator_speed_test.ts"), "alone");
  assertEquals(mannerOf("unit", "tests/fuzz/audio_test.ts"), "together");
  assertEquals(mannerOf("e2e", "tests/e2e/call_media_test.ts"), "alone");
  assertEquals(mannerOf("e2e", "tests/e2e/page_test.ts"), "together");
  assertEquals(mannerOf("e2e", "tests/audio/quality_test.ts"), "beside");
  const limited = "tests/testing/models/llm_conformance_kit_test.ts";
  assertEquals(mannerOf("e2e", limited), "together");
  assertEquals(mannerOf("world", "tests/fuzz/audio_test.ts"), "beside");
  assertEquals(mannerOf("world", "tests/faults/network_test.ts"), "alone");
  assertEquals(mannerOf("world", "tests/edges/getstream/call_test.ts"), "together");
});

Deno.test("lanes run beside the others, at a low priority, only tests that wait for no service or time", async () => {
  const waits = /\bDeno\.(serve|listen|connect|Command)\b|performance\.now|setTimeout|limitMs:/;
  for (const path of files.filter((path) => COMPUTING.some((one) => covers(one, path)))) {
    const text = await Deno.readTextFile(new URL(`../../${path}`, import.meta.url));
    assertEquals(text.match(waits)?.[0], undefined, path);
  }
});

Deno.test("a browser in the unit lane is an error that says where its test belongs", async () => {
  const module = new URL("../../scripts/lib/browsers.ts", import.meta.url).href;
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", `import { findChromium } from "${module}"; await findChromium();`],
    env: { RINGLINE_TEST_LANE: "unit", NO_COLOR: "1" },
  }).output();
  assertEquals(success, false);
  assert(new TextDecoder().decode(stderr).includes("the unit lane has no browser"));
});

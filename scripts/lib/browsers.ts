/** Finds the browsers that tests and benchmarks drive. @module */
import { isFile } from "./programs.ts";

const CHROMIUM = ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome"];
/** Debian's first: the tests are written for the extended support release. */
const FIREFOX = ["firefox-esr", "firefox"];

/** Names the lane that runs to its tests. */
export const LANE_VARIABLE = "RINGLINE_TEST_LANE";

/** The program named by an environment variable, else the first of these names on the path. */
async function findBrowser(variable: string, names: string[]): Promise<string | undefined> {
  if (Deno.env.get(LANE_VARIABLE) === "unit") {
    throw new Error(
      "the unit lane has no browser: a test that needs one lies under tests/e2e, or is listed in " +
        "scripts/lib/lanes.ts",
    );
  }
  const named = Deno.env.get(variable);
  if (named) {
    if (await isFile(named)) return named;
    throw new Error(`${variable} names ${named}, which is no file`);
  }
  const separator = Deno.build.os === "windows" ? ";" : ":";
  for (const folder of (Deno.env.get("PATH") ?? "").split(separator)) {
    for (const name of names) {
      const path = `${folder}/${name}`;
      if (folder && await isFile(path)) return path;
    }
  }
  return undefined;
}

/** The Chromium named by `CHROMIUM`, else the first on the path. */
export async function findChromium(): Promise<string | undefined> {
  return await findBrowser("CHROMIUM", CHROMIUM);
}

/** The Firefox named by `FIREFOX`, else the first on the path. */
export async function findFirefox(): Promise<string | undefined> {
  return await findBrowser("FIREFOX", FIREFOX);
}

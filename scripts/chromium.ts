/**
 * Finds the Chromium that the browser tests drive, or gets one.
 *
 * @module
 */

const NAMES = ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome"];

async function succeeds(command: string, args: string[]): Promise<boolean> {
  try {
    const { success } = await new Deno.Command(command, { args, stdout: "null", stderr: "null" })
      .output();
    return success;
  } catch {
    return false;
  }
}

async function isFile(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isFile;
  } catch {
    return false;
  }
}

/** The browser named by `CHROMIUM`, else the first on the path. */
export async function findChromium(): Promise<string | undefined> {
  const named = Deno.env.get("CHROMIUM");
  if (named) {
    if (await isFile(named)) return named;
    throw new Error(`CHROMIUM names ${named}, which is no file`);
  }
  const separator = Deno.build.os === "windows" ? ";" : ":";
  for (const folder of (Deno.env.get("PATH") ?? "").split(separator)) {
    for (const name of NAMES) {
      const path = `${folder}/${name}`;
      if (folder && await isFile(path)) return path;
    }
  }
  return undefined;
}

/** Whether this machine lets us install Debian packages: apt is there and we are root. */
async function mayInstall(): Promise<boolean> {
  return Deno.build.os === "linux" && Deno.uid() === 0 && await succeeds("apt-get", ["--version"]);
}

/** Installs Debian packages, with apt's own output shown: this can take a minute. */
async function install(packages: string[]): Promise<void> {
  const env = { DEBIAN_FRONTEND: "noninteractive" };
  for (const args of [["update", "-q"], ["install", "-y", "-q", ...packages]]) {
    const { success } = await new Deno.Command("apt-get", {
      args,
      env,
      stdout: "null",
      stderr: "inherit",
    }).output();
    if (!success) throw new Error(`apt-get ${args[0]} failed; its own words are above`);
  }
}

/** Whether Debian's PocketSphinx is there, which the assistant without a key understands with. */
async function hasRecogniser(): Promise<boolean> {
  if (!await isFile("/usr/share/pocketsphinx/model/en-us/cmudict-en-us.dict")) return false;
  for await (const { name } of Deno.readDir("/usr/lib")) {
    if (await isFile(`/usr/lib/${name}/libpocketsphinx.so.3`)) return true;
  }
  return false;
}

/**
 * Finds Chromium, and what else the browser tests need: recorded speech to play, and the recogniser
 * of an example. Installs what is missing where `apt-get` may be used. Gives `undefined`, and says
 * what to do, where there is no browser.
 */
export async function provideChromium(speech: string): Promise<string | undefined> {
  const missing: string[] = [];
  if (!await findChromium()) missing.push("chromium");
  if (!await isFile(speech)) missing.push("alsa-utils");
  if (Deno.build.os === "linux" && !await hasRecogniser()) {
    missing.push("libpocketsphinx3", "pocketsphinx-en-us");
  }
  if (missing.length > 0 && await mayInstall()) {
    console.error(`test: installing ${missing.join(", ")} for the browser tests ...`);
    await install(missing);
  }
  const found = await findChromium();
  if (!found) {
    console.error(
      "test: no Chromium, so the browser tests are skipped. Install one (Debian: `apt-get install " +
        "chromium`) or set CHROMIUM to its path, and run the tests again.",
    );
  }
  return found;
}

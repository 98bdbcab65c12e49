/**
 * Finds the browsers that the tests drive, or gets them.
 *
 * @module
 */

const CHROMIUM = ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome"];
/** Debian's first: the tests are written for the extended support release. */
const FIREFOX = ["firefox-esr", "firefox"];

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

/** The program named by an environment variable, else the first of these names on the path. */
async function findProgram(variable: string, names: string[]): Promise<string | undefined> {
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
  return await findProgram("CHROMIUM", CHROMIUM);
}

/** The Firefox named by `FIREFOX`, else the first on the path. */
export async function findFirefox(): Promise<string | undefined> {
  return await findProgram("FIREFOX", FIREFOX);
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
 * Finds the browsers, and what else the browser tests need: recorded speech to play, the recogniser
 * of an example, and `ip`, to try a machine without a network. Installs what is missing where
 * `apt-get` may be used. Returns the variables that name the browsers to the tests, and says what
 * to do where there is none.
 */
export async function provideBrowsers(speech: string): Promise<Record<string, string>> {
  const missing: string[] = [];
  if (!await findChromium()) missing.push("chromium");
  if (!await findFirefox()) missing.push("firefox-esr");
  if (!await isFile(speech)) missing.push("alsa-utils");
  if (Deno.build.os === "linux" && !await hasRecogniser()) {
    missing.push("libpocketsphinx3", "pocketsphinx-en-us");
  }
  if (Deno.build.os === "linux" && !await succeeds("ip", ["-V"])) missing.push("iproute2");
  if (missing.length > 0 && await mayInstall()) {
    console.error(`test: installing ${missing.join(", ")} for the browser tests ...`);
    await install(missing);
  }
  const found: Record<string, string> = {};
  for (
    const [variable, name, path, tests, debian] of [
      ["CHROMIUM", "Chromium", await findChromium(), "browser tests", "chromium"],
      ["FIREFOX", "Firefox", await findFirefox(), "tests with Firefox", "firefox-esr"],
    ] as const
  ) {
    if (path) found[variable] = path;
    else {
      console.error(
        `test: no ${name}, so the ${tests} are skipped. Install one (Debian: \`apt-get install ` +
          `${debian}\`) or set ${variable} to its path, and run the tests again.`,
      );
    }
  }
  return found;
}

/** The programs that the tests with browsers need, and their installation where it is allowed. @module */
import { findChromium, findFirefox } from "./browsers.ts";
import { isFile, read, show } from "./programs.ts";

/** A program that tests need. */
export interface Prerequisite {
  readonly name: string;
  /** Its Debian packages. */
  readonly packages: string[];
  /** Whether tests that lack it are skipped, where Debian's packages are not to be had. */
  readonly isOptional: boolean;
  isThere(): Promise<boolean>;
}

const isLinux = Deno.build.os === "linux";

/** What the lanes other than the unit lane need. */
export const PREREQUISITES: Prerequisite[] = [
  {
    name: "Chromium",
    packages: ["chromium"],
    isOptional: false,
    isThere: async () => await findChromium() !== undefined,
  },
  {
    name: "PocketSphinx, with which an example recognises speech",
    packages: ["libpocketsphinx3", "pocketsphinx-en-us"],
    isOptional: true,
    isThere: async () => !isLinux || await hasRecogniser(),
  },
  {
    name: "ip, to try a machine without a network",
    packages: ["iproute2"],
    isOptional: true,
    isThere: async () => !isLinux || (await read("ip", ["-V"])).success,
  },
];

/** What the world lane needs beside them. */
export const WORLD_PREREQUISITES: Prerequisite[] = [
  {
    name: "Firefox",
    packages: ["firefox-esr"],
    isOptional: false,
    isThere: async () => await findFirefox() !== undefined,
  },
  {
    name: "coturn, a TURN server",
    packages: ["coturn"],
    isOptional: true,
    isThere: async () => !isLinux || await isFile("/usr/bin/turnserver"),
  },
  {
    name: "Python's venv, for LiveKit's SDK for Python",
    packages: ["python3-venv"],
    isOptional: true,
    isThere: async () =>
      !isLinux || (await read("python3", ["-c", "import ensurepip, venv"])).success,
  },
  {
    name: "Redis, where workers share jobs",
    packages: ["redis-server"],
    isOptional: true,
    isThere: async () => !isLinux || await isFile("/usr/bin/redis-server"),
  },
];

async function hasRecogniser(): Promise<boolean> {
  if (!await isFile("/usr/share/pocketsphinx/model/en-us/cmudict-en-us.dict")) return false;
  for await (const { name } of Deno.readDir("/usr/lib")) {
    if (await isFile(`/usr/lib/${name}/libpocketsphinx.so.3`)) return true;
  }
  return false;
}

/** What provides packages; a test's double stands in for it. */
export interface Installer {
  /** Whether Debian's packages can be had here. */
  isThere(): Promise<boolean>;
  isRoot(): boolean;
  install(packages: string[]): Promise<boolean>;
}

const apt: Installer = {
  isThere: async () => isLinux && (await read("apt-get", ["--version"])).success,
  isRoot: () => Deno.uid() === 0,
  async install(packages) {
    const quiet = ["-q", "-o", "Dpkg::Use-Pty=0"];
    const env = { DEBIAN_FRONTEND: "noninteractive" };
    return await show("apt-get", ["update", ...quiet], env) &&
      await show("apt-get", ["install", "-y", ...quiet, ...packages], env);
  },
};

/**
 * Looks for what the tests need, and installs what is missing only if `install` says so.
 *
 * @param install whether the person asked for it (`--install`), or this is CI
 * @throws {Error} something is missing; the message says how to get it
 */
export async function provide(
  wanted: readonly Prerequisite[],
  { install, installer = apt, log = console.error }: {
    install: boolean;
    installer?: Installer;
    log?: (line: string) => void;
  },
): Promise<void> {
  let missing = await lacking(wanted);
  if (missing.length === 0) return;
  const isDebian = await installer.isThere();
  if (isDebian && install && installer.isRoot()) {
    const packages = missing.flatMap(({ packages }) => packages);
    log(`test: installing ${packages.join(", ")} ...`);
    if (!await installer.install(packages)) {
      throw new Error("apt-get failed; its own message is above");
    }
    missing = await lacking(missing);
  }
  const needed = missing.filter(({ isOptional }) => isDebian || !isOptional);
  for (const { name } of missing.filter((one) => !needed.includes(one))) {
    log(`test: the tests that need ${name} are skipped: it is not there`);
  }
  if (needed.length > 0) throw new Error(explain(needed, { isDebian, install, installer }));
}

async function lacking(wanted: readonly Prerequisite[]): Promise<Prerequisite[]> {
  const isThere = await Promise.all(wanted.map((one) => one.isThere()));
  return wanted.filter((_, index) => !isThere[index]);
}

function explain(
  missing: Prerequisite[],
  { isDebian, install, installer }: { isDebian: boolean; install: boolean; installer: Installer },
): string {
  const lines = missing.map(({ name }) => `  - ${name}`);
  lines.unshift("these tests need programs that are not there:");
  if (isDebian) {
    const command = `apt-get install ${missing.flatMap(({ packages }) => packages).join(" ")}`;
    lines.push(`Install them: ${installer.isRoot() ? command : `sudo ${command}`}`);
    if (installer.isRoot()) lines.push("or let this command do it: add --install");
    else if (install) lines.push("(--install does that only as root)");
  } else {
    lines.push("Install them");
  }
  lines.push(
    "or name browsers that are elsewhere by CHROMIUM and FIREFOX.",
    "`deno task test:unit` needs none of them.",
  );
  return lines.join("\n");
}

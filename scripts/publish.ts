/**
 * Publishes every package of the workspace to JSR, `@ringline/edge` first, since the others build on
 * it: `deno task publish --tag v1.2.3`, or `--dry-run` to try it. `deno publish` is run in each
 * member's folder, because in the root it looks at the root's package only.
 *
 * It publishes nothing unless all members have one version, which the tag names and by which they
 * import each other, and unless `src/native/prebuilts.ts` has that version's library for every
 * target and is the only file that differs from the commit.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { type Prebuilt, prebuilts } from "../src/native/prebuilts.ts";
import { commandLine } from "./lib/command_line.ts";
import { type Package, readPackages } from "./lib/packages.ts";
import { assetName, TARGETS } from "./prebuilts.ts";

const USAGE = `deno task publish --tag v1.2.3
deno task publish --dry-run

Publishes every package of the workspace to JSR.`;

const ROOT = new URL("../", import.meta.url);

/** A package that can be published. */
export interface Member extends Package {
  readonly version: string;
}

/** Returns the package in `root` and then the members of its workspace, if it is one. */
export async function readMembers(root: URL): Promise<Member[]> {
  return (await readPackages(root)).map((one) => {
    const { name, version, folder } = one;
    if (name !== folder.pathname && typeof version === "string") return { ...one, version };
    throw new Error(`${folder.pathname}deno.json: expected a name and a version`);
  });
}

/** Throws an error unless all members have one version, import each other by it, and `tag` is it. */
export function checkVersions(members: Member[], tag?: string): void {
  const version = members[0]!.version;
  for (const member of members) {
    if (member.version !== version) {
      throw new Error(`${member.name}: expected version ${version}, got ${member.version}`);
    }
    for (const { name } of members) {
      for (const specifier of member.dependencies) {
        const [, range] = specifier.match(new RegExp(`^jsr:${name}@([^/]*)`)) ?? [];
        if (range === undefined || range === version) continue;
        throw new Error(`${member.name}: expected an import of ${name}@${version}, got @${range}`);
      }
    }
  }
  if (tag !== undefined && tag !== `v${version}`) {
    throw new Error(`expected the tag v${version}, got ${tag}`);
  }
}

/** Throws an error unless there is a library of this version for every target. */
export function checkPrebuilts(prebuilts: Readonly<Record<string, Prebuilt>>, version: string) {
  for (const target of TARGETS) {
    const url = prebuilts[target]?.url;
    if (!url?.endsWith(`/v${version}/${assetName(target)}`)) {
      throw new Error(`src/native/prebuilts.ts has ${url ?? "no library"} for ${target}`);
    }
  }
}

/** Runs `deno publish` in each member's folder; ends with the first that fails. */
export async function publish(
  members: Member[],
  args: string[] = [],
  output: "inherit" | "null" = "inherit",
): Promise<void> {
  for (const { name, version, folder } of members) {
    const { success } = await new Deno.Command(Deno.execPath(), {
      args: ["publish", ...args],
      cwd: folder,
      stdin: "null",
      stdout: output,
      stderr: output,
    }).spawn().status;
    if (!success) throw new Error(`${name}@${version} was not published: deno publish failed`);
  }
}

/** The files that differ from the commit, as git tells them. */
async function changedFiles(): Promise<string> {
  const args = ["status", "--porcelain"];
  const { success, stdout } = await new Deno.Command("git", { args, cwd: ROOT }).output();
  if (!success) throw new Error("git status failed: publish from a clone of the repository");
  return new TextDecoder().decode(stdout).trim();
}

if (import.meta.main) {
  const { "dry-run": dryRun = false, tag } = commandLine(USAGE, (args) => {
    const options = { "dry-run": { type: "boolean" }, tag: { type: "string" } } as const;
    const { values } = parseArgs({ args, options });
    if (values["dry-run"] || values.tag !== undefined) return values;
    throw new TypeError("no tag: pass --tag v1.2.3, or try it with --dry-run");
  });
  const members = await readMembers(ROOT);
  checkVersions(members, tag);
  // Between releases no library is entered, and a dry run is a check of the packages alone.
  if (!dryRun || Object.keys(prebuilts).length > 0) {
    checkPrebuilts(prebuilts, members[0]!.version);
    const changed = await changedFiles();
    if (changed !== "M src/native/prebuilts.ts") {
      throw new Error(`expected changes of src/native/prebuilts.ts alone, got:\n${changed}`);
    }
  }
  // Deno would refuse the file that was filled in. What else differs is none, as seen above.
  await publish(members, ["--allow-dirty", ...dryRun ? ["--dry-run"] : []]);
}

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
import { assetName, TARGETS } from "./prebuilts.ts";

const ROOT = new URL("../", import.meta.url);

/** A package of the workspace. */
export interface Member {
  /** Its folder. */
  folder: URL;
  /** Its name on JSR. */
  name: string;
  /** Its version. */
  version: string;
  /** The text of its `deno.json`. */
  config: string;
}

/** Returns the package in `root` and then the members of its workspace, if it is one. */
export async function readMembers(root: URL): Promise<Member[]> {
  const first = await readMember(root);
  const { workspace = [] } = JSON.parse(first.config);
  const folders: string[] = Array.isArray(workspace) ? workspace : workspace.members;
  const others = folders.map((one) => new URL(`${one.replace(/\/*$/, "")}/`, root));
  return [first, ...await Promise.all(others.map(readMember))];
}

async function readMember(folder: URL): Promise<Member> {
  const config = await Deno.readTextFile(new URL("deno.json", folder));
  const { name, version } = JSON.parse(config);
  if (typeof name !== "string" || typeof version !== "string") {
    throw new Error(`${folder.pathname}deno.json: expected a name and a version`);
  }
  return { folder, name, version, config };
}

/** Throws an error unless all members have one version, import each other by it, and `tag` is it. */
export function checkVersions(members: Member[], tag?: string): void {
  const version = members[0]!.version;
  for (const member of members) {
    if (member.version !== version) {
      throw new Error(`${member.name}: expected version ${version}, got ${member.version}`);
    }
    for (const { name } of members) {
      for (const [, range] of member.config.matchAll(new RegExp(`"jsr:${name}@([^/"]*)`, "g"))) {
        if (range !== version) {
          throw new Error(
            `${member.name}: expected an import of ${name}@${version}, got @${range}`,
          );
        }
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
  const { values } = parseArgs({
    options: { "dry-run": { type: "boolean" }, tag: { type: "string" } },
  });
  const dryRun = values["dry-run"] ?? false;
  if (!dryRun && values.tag === undefined) {
    throw new Error("no tag: pass --tag v1.2.3 (or try it with --dry-run)");
  }
  const members = await readMembers(ROOT);
  checkVersions(members, values.tag);
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

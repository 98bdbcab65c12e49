/** A machine as containers are: an own Deno cache that is read-only, no network, no home. @module */
import { assertEquals } from "@std/assert";
import { type RegistryDouble, startRegistry } from "../native/registry_double.ts";

const decoder = new TextDecoder();

/** What a program printed. */
export interface Printed {
  out: string;
  err: string;
}

/**
 * A program that joins a call over the package as a registry serves it, with everything it needs in
 * a cache of its own. The registry is gone when this has been made. Where the system lets us, the
 * program runs in a network namespace of its own and as a user without a home.
 */
export class OfflineMachine implements AsyncDisposable {
  /** The cache: what `DENO_DIR` is. */
  readonly denoDir: string;
  readonly #path: string;
  readonly #deno: string;
  readonly #prefix: string[];

  private constructor(path: string, deno: string, prefix: string[]) {
    this.#path = path;
    this.denoDir = `${path}/cache`;
    this.#deno = deno;
    this.#prefix = prefix;
  }

  /** Fills the cache with what `deno cache main.ts` loads of this program. */
  static async make(program: Program = localProgram): Promise<OfflineMachine> {
    const path = await Deno.makeTempDir();
    await Deno.chmod(path, 0o755);
    const prefix = await isolation();
    let deno = Deno.execPath();
    if (prefix.length > 0) await place(deno, deno = `${path}/deno`); // that user may not read ours
    const machine = new OfflineMachine(path, deno, prefix);
    try {
      await linkPackages(machine.denoDir);
      await using registry = await startRegistry();
      await Deno.writeTextFile(`${path}/main.ts`, program(registry));
      await machine.configure({});
      const cached = await new Deno.Command(Deno.execPath(), {
        args: ["cache", "main.ts"],
        cwd: path,
        env: { DENO_DIR: machine.denoDir, JSR_URL: registry.url },
      }).output();
      assertEquals(cached.code, 0, decoder.decode(cached.stderr));
      // Where the program finds the versions, also when no registry serves them any more.
      await Deno.writeTextFile(`${path}/jsr_url`, registry.url);
      return machine;
    } catch (error) {
      await machine[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Runs the program with these flags; everything is read-only for it. */
  async run(flags: string[], env: Record<string, string> = {}): Promise<Printed> {
    const JSR_URL = await Deno.readTextFile(`${this.#path}/jsr_url`);
    const args = ["run", "--quiet", "--no-prompt", "--cached-only", ...flags, "main.ts"];
    const [command, ...rest] = [...this.#prefix, this.#deno, ...args];
    await this.#setWritable(false);
    try {
      const { stdout, stderr } = await new Deno.Command(command!, {
        args: rest,
        cwd: this.#path,
        clearEnv: true,
        env: {
          PATH: Deno.env.get("PATH") ?? "",
          HOME: "/nonexistent",
          DENO_DIR: this.denoDir,
          JSR_URL,
          ...env,
        },
        stdin: "null",
      }).output();
      return { out: decoder.decode(stdout), err: decoder.decode(stderr) };
    } finally {
      await this.#setWritable(true);
    }
  }

  /** Writes the project's `deno.json`. */
  async configure(config: unknown): Promise<void> {
    await Deno.writeTextFile(`${this.#path}/deno.json`, JSON.stringify(config));
  }

  /** The project's lock file. */
  get lock(): string {
    return `${this.#path}/deno.lock`;
  }

  /** Takes the module with this text out of the cache. */
  async forget(text: string): Promise<void> {
    const folder = `${this.denoDir}/remote/http`;
    for await (const { name: server } of Deno.readDir(folder)) {
      for await (const { name } of Deno.readDir(`${folder}/${server}`)) {
        const file = `${folder}/${server}/${name}`;
        if ((await Deno.readTextFile(file)).includes(text)) await Deno.remove(file);
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#setWritable(true);
    await Deno.remove(this.#path, { recursive: true });
  }

  /** For a user that is not root. */
  async #setWritable(writable: boolean): Promise<void> {
    const mode = writable ? 0o755 : 0o555;
    for (const folder of ["", "/npm", "/gen", "/remote"]) {
      await Deno.chmod(this.denoDir + folder, mode).catch((error) => {
        if (!(error instanceof Deno.errors.NotFound)) throw error;
      });
    }
  }
}

/** The text of a program that imports what a registry serves. */
export type Program = (registry: RegistryDouble) => string;

/** Joins a call of a LocalEdge. */
const localProgram: Program = ({ version }) => {
  const edge = `jsr:@ringline/edge@${version}`;
  return `
    import { Agent } from "${edge}";
    import { LocalEdge } from "${edge}/local";
    await using edge = new LocalEdge();
    const agent = new Agent({ edge, agentUser: { id: "echo", name: "Echo" } });
    const call = await agent.createCall("default", "kitchen");
    try {
      await using _session = await agent.join(call, { participantWaitTimeoutMs: 0 });
      console.log("joined");
    } catch (error) {
      console.log(error.name, error.code, error.message);
    }
  `;
};

/** Names a GetStreamEdge, and starts its media process, as the first join does. */
export const getstreamProgram: Program = ({ url, version }) => `
  import { MediaProcess } from "jsr:@ringline/edge@${version}/media";
  import { GetStreamEdge } from "jsr:@ringline/getstream@${version}";
  await using _edge = new GetStreamEdge({ apiKey: "key", apiSecret: "secret" });
  const process = new MediaProcess({
    child: new URL("${url}@ringline/getstream/${version}/child/main.ts"),
    config: null,
    permissions: { net: true },
  });
  try {
    const lease = await process.acquire();
    console.log("ready");
    await lease.release();
  } catch (error) {
    console.log(error.name, error.code, error.message);
  }
`;

/** What takes the network and the home from a command, as far as this machine can. */
async function isolation(): Promise<string[]> {
  const unprivileged = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
  for (const prefix of [["unshare", "-n", ...unprivileged], ["unshare", "-rn"]]) {
    const [command, ...args] = prefix;
    const test = new Deno.Command(command!, { args: [...args, "true"], stderr: "null" });
    try {
      if ((await test.output()).success) return prefix;
    } catch {
      // There is no such command.
    }
  }
  return [];
}

/** Links what is known of npm's packages into a cache, and those that the media process needs. */
async function linkPackages(denoDir: string): Promise<void> {
  const { npmCache } = await info(["--no-config"]);
  const needed = new Set<string>();
  for (const entry of ["local", "getstream"]) {
    const url = new URL(`../../src/edges/${entry}/mod.ts`, import.meta.url);
    const { npmPackages } = await info([url.href]);
    for (const { name } of Object.values(npmPackages!)) needed.add(name);
  }
  for await (const folder of packageFolders(npmCache!)) {
    const [from, to] = [`${npmCache}/${folder}`, `${denoDir}/npm/${folder}`];
    if (needed.has(folder.slice(folder.indexOf("/") + 1))) await linkTree(from, to);
    else {
      await Deno.mkdir(to, { recursive: true });
      await place(`${from}/registry.json`, `${to}/registry.json`);
    }
  }
}

/** As `<registry>/<name>`. */
async function* packageFolders(npmCache: string): AsyncGenerator<string> {
  for await (const registry of Deno.readDir(npmCache)) {
    if (!registry.isDirectory) continue;
    for await (const { name } of Deno.readDir(`${npmCache}/${registry.name}`)) {
      if (!name.startsWith("@")) yield `${registry.name}/${name}`;
      else {
        for await (const inScope of Deno.readDir(`${npmCache}/${registry.name}/${name}`)) {
          yield `${registry.name}/${name}/${inScope.name}`;
        }
      }
    }
  }
}

interface Info {
  npmCache?: string;
  npmPackages?: Record<string, { name: string }>;
}

async function info(args: string[]): Promise<Info> {
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json", ...args],
    cwd: new URL("../..", import.meta.url),
  }).output();
  return JSON.parse(decoder.decode(stdout));
}

async function linkTree(from: string, to: string): Promise<void> {
  await Deno.mkdir(to, { recursive: true });
  for await (const { name, isDirectory } of Deno.readDir(from)) {
    await (isDirectory ? linkTree : place)(`${from}/${name}`, `${to}/${name}`);
  }
}

/** The same file in another place; a copy, where that is another disk. */
async function place(from: string, to: string): Promise<void> {
  await Deno.link(from, to).catch(() => Deno.copyFile(from, to));
}

/** An empty folder on a user's machine, which reaches the package through a registry. */

import { assertEquals } from "@std/assert";
import { type RegistryDouble, startRegistry } from "./registry_double.ts";

const decoder = new TextDecoder();

/** What a command printed. */
export interface Printed {
  readonly out: string;
  readonly err: string;
}

/** The folder, with the package added to it, until it is disposed. */
export class UserFolder implements AsyncDisposable {
  readonly path: string;
  readonly #registry: RegistryDouble;
  /** Deno's own cache, as a program without an environment finds it: npm's packages are in it. */
  readonly #denoDir: string;

  private constructor(path: string, registry: RegistryDouble, denoDir: string) {
    this.path = path;
    this.#registry = registry;
    this.#denoDir = denoDir;
  }

  /** Creates the folder and does `deno add` in it. */
  static async make(): Promise<UserFolder> {
    const info = await new Deno.Command(Deno.execPath(), {
      args: ["info", "--json"],
      clearEnv: true,
    }).output();
    const { denoDir } = JSON.parse(decoder.decode(info.stdout));
    const folder = new UserFolder(await Deno.makeTempDir(), await startRegistry(), denoDir);
    try {
      await folder.#forget(); // Another registry may have had this port once.
      await folder.write("deno.json", "{}");
      await folder.deno(["add", folder.specifier]);
      return folder;
    } catch (error) {
      await folder[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** The package, as a specifier. */
  get specifier(): string {
    return `jsr:@ringline/edge@${this.#registry.version}`;
  }

  /** A module of the package at another address: to Deno it is another copy of it. */
  copyUrl(path: string): URL {
    const url = new URL(`@ringline/edge/${this.#registry.version}/${path}`, this.#registry.url);
    url.hostname = "localhost";
    return url;
  }

  /** Where `./install` puts a library. */
  get cache(): string {
    return `${this.path}/cache`;
  }

  /** Writes a file. */
  async write(name: string, text: string): Promise<void> {
    const path = `${this.path}/${name}`;
    await Deno.mkdir(path.slice(0, path.lastIndexOf("/")), { recursive: true });
    await Deno.writeTextFile(path, text);
  }

  /** A command in the folder. */
  command(args: string[], env: Record<string, string> = {}): Deno.Command {
    return new Deno.Command(Deno.execPath(), {
      args,
      cwd: this.path,
      env: {
        JSR_URL: this.#registry.url,
        DENO_DIR: this.#denoDir,
        RINGLINE_CACHE: this.cache,
        NO_COLOR: "1",
        ...env,
      },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    });
  }

  /** Runs a command, which must succeed. */
  async deno(args: string[], env: Record<string, string> = {}): Promise<Printed> {
    const { code, stdout, stderr } = await this.command(args, env).output();
    const [out, err] = [decoder.decode(stdout), decoder.decode(stderr)];
    assertEquals(code, 0, `deno ${args.join(" ")}: ${err}`);
    return { out, err };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#registry[Symbol.asyncDispose]();
    await Deno.remove(this.path, { recursive: true });
    await this.#forget();
  }

  /** Takes the registry out of Deno's cache. */
  async #forget(): Promise<void> {
    const { hostname, port } = new URL(this.#registry.url);
    for (const name of [hostname, "localhost"]) {
      const cached = `${this.#denoDir}/remote/http/${name}_PORT${port}`;
      await Deno.remove(cached, { recursive: true }).catch((error) => {
        if (!(error instanceof Deno.errors.NotFound)) throw error;
      });
    }
  }
}

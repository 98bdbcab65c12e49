import {
  PcmChunk,
  type TranscribeOptions,
  type Transcriber,
  type Transcript,
} from "@ringline/edge";

const SYMBOLS = {
  ps_args: { parameters: [], result: "pointer" },
  ps_init: { parameters: ["pointer"], result: "pointer" },
  ps_free: { parameters: ["pointer"], result: "i32" },
  ps_set_jsgf_string: { parameters: ["pointer", "buffer", "buffer"], result: "i32" },
  ps_set_search: { parameters: ["pointer", "buffer"], result: "i32" },
  ps_start_utt: { parameters: ["pointer"], result: "i32" },
  // On a thread of its own: it takes 30 ms for a sentence, and more on a slow machine.
  ps_process_raw: {
    parameters: ["pointer", "buffer", "usize", "i32", "i32"],
    result: "i32",
    nonblocking: true,
  },
  ps_end_utt: { parameters: ["pointer"], result: "i32" },
  ps_get_hyp: { parameters: ["pointer", "pointer"], result: "pointer" },
} as const satisfies Deno.ForeignLibraryInterface;

/** The decoder's settings live in another library. */
const BASE_SYMBOLS = {
  cmd_ln_parse_r: { parameters: ["pointer", "pointer", "i32", "buffer", "i32"], result: "pointer" },
  cmd_ln_free_r: { parameters: ["pointer"], result: "i32" },
} as const satisfies Deno.ForeignLibraryInterface;

const MODEL = "/usr/share/pocketsphinx/model/en-us";
const RATE = 16_000;

/**
 * PocketSphinx of Debian (`apt install libpocketsphinx3 pocketsphinx-en-us`), offline: understands
 * the sentences of a grammar, and nothing else. Needs `--allow-ffi`.
 */
export class PocketSphinx implements Transcriber {
  readonly name = "pocketsphinx";
  readonly #grammar: string;
  #library: Deno.DynamicLibrary<typeof SYMBOLS> | undefined;
  #base: Deno.DynamicLibrary<typeof BASE_SYMBOLS> | undefined;
  #settings: Deno.PointerValue = null;
  #decoder: Deno.PointerValue = null;
  #decoding: Promise<void> = Promise.resolve();
  /** What is being decoded on another thread: nothing else keeps the garbage collector from it. */
  #decoded: Uint8Array<ArrayBuffer> | undefined;

  /** @param grammar in JSGF */
  constructor(grammar: string) {
    this.#grammar = grammar;
  }

  start(): void {
    try {
      this.#base = Deno.dlopen("libsphinxbase.so.3", BASE_SYMBOLS);
      this.#library = Deno.dlopen("libpocketsphinx.so.3", SYMBOLS);
    } catch (cause) {
      // What is missing may be a permission, which Deno names.
      if (cause instanceof Deno.errors.NotCapable) throw cause;
      throw new Error(
        "PocketSphinx cannot be loaded: apt install libpocketsphinx3 pocketsphinx-en-us",
        { cause },
      );
    }
    const { symbols } = this.#library;
    const settings = [
      ["-hmm", `${MODEL}/en-us`],
      ["-dict", `${MODEL}/cmudict-en-us.dict`],
      ["-logfn", "/dev/null"],
      ["-beam", "1e-60"],
    ].flat().map(text);
    const pointers = BigUint64Array.from(
      settings,
      (one) => Deno.UnsafePointer.value(Deno.UnsafePointer.of(one)),
    );
    this.#settings = this.#base.symbols.cmd_ln_parse_r(
      null,
      symbols.ps_args(),
      settings.length,
      new Uint8Array(pointers.buffer),
      1,
    );
    this.#decoder = this.#settings && symbols.ps_init(this.#settings);
    if (!this.#decoder) {
      throw new Error(`pocketsphinx does not start; is there a model in ${MODEL}?`);
    }
    const isKnown =
      symbols.ps_set_jsgf_string(this.#decoder, text("said"), text(this.#grammar)) === 0;
    if (!isKnown || symbols.ps_set_search(this.#decoder, text("said")) !== 0) {
      throw new TypeError("the grammar has a mistake, or a word that is not in the dictionary");
    }
  }

  async close(): Promise<void> {
    await this.#decoding;
    if (this.#decoder) this.#library?.symbols.ps_free(this.#decoder);
    if (this.#settings) this.#base?.symbols.cmd_ln_free_r(this.#settings);
    this.#decoder = this.#settings = null;
    this.#library?.close();
    this.#base?.close();
    // A call into a library that was closed would end the program.
    this.#library = this.#base = undefined;
  }

  async *transcribe(
    audio: AsyncIterable<PcmChunk>,
    { signal }: TranscribeOptions,
  ): AsyncGenerator<Transcript, void, void> {
    const chunks: Int16Array[] = [];
    for await (const chunk of audio) {
      if (!(chunk instanceof PcmChunk)) throw new TypeError("audio: expected chunks of PCM");
      const { samples, sampleRate, channels } = chunk;
      if (sampleRate !== RATE) throw new RangeError(`expected ${RATE} Hz, got ${sampleRate}`);
      if (channels !== 1) throw new RangeError(`expected mono, got ${channels} channels`);
      chunks.push(samples);
    }
    // There is one decoder, and two people may have spoken.
    const decoding = this.#decoding.then(() => this.#decode(chunks, signal));
    this.#decoding = decoding.then(() => {}, () => {});
    yield { text: await decoding, final: true };
  }

  async #decode(chunks: readonly Int16Array[], signal: AbortSignal): Promise<string> {
    signal.throwIfAborted();
    const symbols = this.#library?.symbols;
    if (!symbols || !this.#decoder) throw new TypeError("pocketsphinx: expected a started one");
    const all = new Int16Array(chunks.reduce((sum, { length }) => sum + length, 0));
    let at = 0;
    for (const samples of chunks) {
      all.set(samples, at);
      at += samples.length;
    }
    symbols.ps_start_utt(this.#decoder);
    this.#decoded = new Uint8Array(all.buffer);
    await symbols.ps_process_raw(this.#decoder, this.#decoded, BigInt(all.length), 0, 0);
    this.#decoded = undefined;
    symbols.ps_end_utt(this.#decoder);
    const found = symbols.ps_get_hyp(this.#decoder, null);
    return found ? new Deno.UnsafePointerView(found).getCString() : "";
  }
}

/** Text as C wants it. */
function text(value: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(`${value}\0`);
}

/** rubato, the crate that Rust's users reach for: built here, called as our own library is. @module */

import { type Contender, streamRunner } from "../contender.ts";
import { cargoLibrary } from "../install.ts";

/** Its synchronous resampler and its asynchronous one. */
export const rubato: Contender[] = [
  contender("rubato 5 Fft", 0),
  contender("rubato 5 Sinc256", 1),
];

function contender(name: string, sinc: 0 | 1): Contender {
  return {
    name,
    async open(rates, streams) {
      const lib = Deno.dlopen(await cargoLibrary(new URL("./rubato/", import.meta.url)), {
        contender_new: { parameters: ["u32", "u32", "u32", "u32"], result: "pointer" },
        contender_process: { parameters: ["pointer", "buffer", "u32", "buffer"], result: "u32" },
        contender_free: { parameters: ["pointer"], result: "void" },
      }).symbols;
      return streamRunner(rates, streams, () => {
        const { inputRate, outputRate } = rates;
        const handle = lib.contender_new(inputRate, outputRate, inputRate / 50, sinc);
        return {
          process: (input, output) =>
            lib.contender_process(
              handle,
              input as Int16Array<ArrayBuffer>,
              input.length,
              output as Int16Array<ArrayBuffer>,
            ),
          close: () => lib.contender_free(handle),
        };
      });
    },
  };
}

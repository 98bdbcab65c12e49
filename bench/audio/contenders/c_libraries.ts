/** The C libraries that others rest on, called from this process as our own library is. @module */

import { type Contender, type Stream, streamRunner } from "../contender.ts";
import type { Rates } from "../quality.ts";
import { debianLibrary } from "../install.ts";

/** soxr, speexdsp and libsamplerate. Swresample is measured through PyAV, as agents use it. */
export const cLibraries: Contender[] = [
  contender("soxr HQ", "libsoxr0", soxr(undefined), true),
  contender("soxr at our band", "libsoxr0", soxr([0.9, 1.125]), true),
  contender("speexdsp q5", "libspeexdsp1", speexdsp, true),
  contender("libsamplerate medium", "libsamplerate0", libsamplerate),
];

type Opener = (path: string) => (rates: Rates) => Stream;

function contender(name: string, debian: string, opener: Opener, main = false): Contender {
  return {
    name,
    main,
    async open(rates, streams) {
      const open = opener(await debianLibrary(debian));
      return streamRunner(rates, streams, () => open(rates));
    },
  };
}

function soxr(band: [number, number] | undefined): Opener {
  return (path) => {
    const quality = { struct: ["f64", "f64", "f64", "f64", "pointer", "u64"] } as const;
    const lib = Deno.dlopen(path, {
      soxr_quality_spec: { parameters: ["u64", "u64"], result: quality },
      soxr_create: {
        parameters: ["f64", "f64", "u32", "pointer", "buffer", "buffer", "pointer"],
        result: "pointer",
      },
      soxr_process: {
        parameters: ["pointer", "buffer", "usize", "buffer", "buffer", "usize", "buffer"],
        result: "pointer",
      },
      soxr_delete: { parameters: ["pointer"], result: "void" },
    }).symbols;
    return ({ inputRate, outputRate }) => {
      const hq = 4n, sixteenBits = 3n;
      const spec = lib.soxr_quality_spec(band ? sixteenBits : hq, 0n);
      if (band) new Float64Array(spec.buffer, spec.byteOffset, 4).set(band, 2);
      // Interleaved i16 in and out, scale 1, and dither as it comes.
      const io = new DataView(new ArrayBuffer(32));
      io.setInt32(0, 3, true);
      io.setInt32(4, 3, true);
      io.setFloat64(8, 1, true);
      const handle = lib.soxr_create(inputRate, outputRate, 1, null, io.buffer, spec, null);
      if (handle === null) throw new Error("it refuses this band at these rates");
      const used = new BigUint64Array(1), made = new BigUint64Array(1);
      return {
        process(input, output) {
          lib.soxr_process(
            handle,
            input as Int16Array<ArrayBuffer>,
            BigInt(input.length),
            used,
            output as Int16Array<ArrayBuffer>,
            BigInt(output.length),
            made,
          );
          return Number(made[0]);
        },
        close: () => lib.soxr_delete(handle),
      };
    };
  };
}

function speexdsp(path: string): (rates: Rates) => Stream {
  const lib = Deno.dlopen(path, {
    speex_resampler_init: {
      parameters: ["u32", "u32", "u32", "i32", "pointer"],
      result: "pointer",
    },
    speex_resampler_process_int: {
      parameters: ["pointer", "u32", "buffer", "buffer", "buffer", "buffer"],
      result: "i32",
    },
    speex_resampler_destroy: { parameters: ["pointer"], result: "void" },
  }).symbols;
  return ({ inputRate, outputRate }) => {
    const handle = lib.speex_resampler_init(1, inputRate, outputRate, 5, null);
    const used = new Uint32Array(1), made = new Uint32Array(1);
    return {
      process(input, output) {
        used[0] = input.length;
        made[0] = output.length;
        lib.speex_resampler_process_int(
          handle,
          0,
          input as Int16Array<ArrayBuffer>,
          used,
          output as Int16Array<ArrayBuffer>,
          made,
        );
        return made[0]!;
      },
      close: () => lib.speex_resampler_destroy(handle),
    };
  };
}

function libsamplerate(path: string): (rates: Rates) => Stream {
  const lib = Deno.dlopen(path, {
    src_new: { parameters: ["i32", "i32", "buffer"], result: "pointer" },
    src_process: { parameters: ["pointer", "buffer"], result: "i32" },
    src_delete: { parameters: ["pointer"], result: "pointer" },
    src_short_to_float_array: { parameters: ["buffer", "buffer", "i32"], result: "void" },
    src_float_to_short_array: { parameters: ["buffer", "buffer", "i32"], result: "void" },
  }).symbols;
  return ({ inputRate, outputRate }) => {
    const mediumQuality = 1;
    const handle = lib.src_new(mediumQuality, 1, new Int32Array(1));
    const input32 = new Float32Array(inputRate), output32 = new Float32Array(outputRate);
    const data = new DataView(new ArrayBuffer(64));
    const address = (array: Float32Array<ArrayBuffer>) =>
      Deno.UnsafePointer.value(Deno.UnsafePointer.of(array));
    data.setBigUint64(0, BigInt(address(input32)), true);
    data.setBigUint64(8, BigInt(address(output32)), true);
    data.setBigInt64(24, BigInt(output32.length), true);
    data.setFloat64(56, outputRate / inputRate, true);
    return {
      process(input, output) {
        lib.src_short_to_float_array(input as Int16Array<ArrayBuffer>, input32, input.length);
        data.setBigInt64(16, BigInt(input.length), true);
        lib.src_process(handle, data.buffer);
        const made = Number(data.getBigInt64(40, true));
        lib.src_float_to_short_array(output32, output as Int16Array<ArrayBuffer>, made);
        return made;
      },
      close: () => void lib.src_delete(handle),
    };
  };
}

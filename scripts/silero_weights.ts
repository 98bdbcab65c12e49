/**
 * `deno run -A scripts/silero_weights.ts`: packs the weights of Silero's network for 16 kHz into
 * `native/src/silero/weights.bin`, from the model that the npm package of `@ringline/silero-vad`
 * carries. With `--check` it only checks that the two match.
 *
 * A layer is packed as 8-bit weights (for each input those of all outputs), a scale for each output
 * of every 64 inputs, and biases: 270 kB instead of 1 MB, with probabilities that differ by less than
 * 0.02.
 *
 * @module
 */
import { flags } from "./lib/command_line.ts";
import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";

const USAGE = `scripts/silero_weights.ts [--check]

Packs the weights of Silero's network for the crate.

  --check  writes nothing: only checks that they match the model`;

const PACKAGE = "npm:@ricky0123/vad-web@0.0.31";
const OUTPUT = new URL("../native/src/silero/weights.bin", import.meta.url);
const GROUP = 64;

/** A tensor of the model. */
interface Tensor {
  dims: number[];
  data: Float32Array;
}

/** The fields of a protobuf message: bytes, or a number. */
function fields(bytes: Uint8Array): Map<number, (Uint8Array | number)[]> {
  const reader = new BinaryReader(bytes);
  const found = new Map<number, (Uint8Array | number)[]>();
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    const values = found.getOrInsertComputed(field, () => []);
    if (type === WireType.LengthDelimited) values.push(reader.bytes());
    else if (type === WireType.Varint) values.push(Number(reader.uint64()));
    else reader.skip(type, field);
  }
  return found;
}

const text = (bytes: Uint8Array | number | undefined) =>
  new TextDecoder().decode(bytes as Uint8Array);
const messages = (bytes: Uint8Array, field: number) =>
  (fields(bytes).get(field) ?? []) as Uint8Array[];

/** Collects the constants of a graph and of the graphs in its nodes, by name (onnx.proto). */
function constants(graph: Uint8Array, found = new Map<string, Tensor>()): Map<string, Tensor> {
  for (const node of messages(graph, 1)) {
    const [output] = messages(node, 2);
    for (const attribute of messages(node, 5)) {
      for (const tensor of messages(attribute, 5)) {
        const { 0: raw } = messages(tensor, 9);
        const type = fields(tensor).get(2)?.[0];
        if (type !== 1 || raw === undefined) continue;
        const dims = (fields(tensor).get(1) ?? []).flatMap((one) =>
          typeof one === "number" ? [one] : []
        );
        const data = new Float32Array(raw.slice().buffer);
        found.set(text(output), { dims, data });
      }
      for (const inner of messages(attribute, 6)) constants(inner, found);
    }
  }
  return found;
}

/** Packs a layer whose weight for an output and an input `at` returns. */
function pack(
  outputs: number,
  inputs: number,
  at: (output: number, input: number) => number,
  bias: Float32Array,
): Uint8Array[] {
  const groups = Math.ceil(inputs / GROUP);
  const scales = new Float32Array(groups * outputs);
  const steps = new Int8Array(inputs * outputs);
  for (let output = 0; output < outputs; output++) {
    for (let group = 0; group < groups; group++) {
      const from = group * GROUP;
      const weights = Array.from(
        { length: Math.min(GROUP, inputs - from) },
        (_, n) => at(output, from + n),
      );
      const scale = Math.max(...weights.map(Math.abs)) / 127;
      scales[group * outputs + output] = scale;
      weights.forEach((weight, n) => {
        steps[(from + n) * outputs + output] = Math.round(weight / (scale || 1));
      });
    }
  }
  return [steps, scales, bias].map(({ buffer }) => new Uint8Array(buffer));
}

/** Returns the packed weights of a model. */
function packed(model: Uint8Array): Uint8Array<ArrayBuffer> {
  const [graph] = messages(model, 7);
  const all = constants(graph!);
  /** The branch for 16 kHz is the one whose spectrum has 129 frequencies. */
  const of = (name: string, first: number) => {
    const found = [...all].find(([key, { dims }]) => key.endsWith(name) && dims[0] === first);
    if (found === undefined) throw new Error(`the model has no ${name} of ${first} outputs`);
    return found;
  };
  const [basis] = of("stft.forward_basis_buffer", 258);
  const prefix = basis.slice(0, basis.indexOf("stft."));
  const get = (name: string) => all.get(`${prefix}${name}`)!;
  const parts: Uint8Array[] = [];
  for (const n of [0, 1, 2, 3]) {
    const { dims: [outputs, inputs, taps], data } = get(`encoder.${n}.reparam_conv.weight`);
    const at = (output: number, row: number) =>
      data[(output * inputs! + row % inputs!) * taps! + Math.floor(row / inputs!)]!;
    parts.push(...pack(outputs!, inputs! * taps!, at, get(`encoder.${n}.reparam_conv.bias`).data));
  }
  const [fromInput, fromHidden] = ["ih", "hh"].map((one) => get(`decoder.rnn.weight_${one}`));
  const { dims: [gates, hidden], data: inputWeights } = fromInput!;
  const recurrent = (output: number, row: number) =>
    row < hidden!
      ? inputWeights[output * hidden! + row]!
      : fromHidden!.data[output * hidden! + row - hidden!]!;
  const second = get("decoder.rnn.bias_hh").data;
  const bias = get("decoder.rnn.bias_ih").data.map((one, n) => one + second[n]!);
  parts.push(...pack(gates!, 2 * hidden!, recurrent, bias));
  const score = get("decoder.decoder.2.weight").data;
  parts.push(...pack(1, hidden!, (_, row) => score[row]!, get("decoder.decoder.2.bias").data));
  return new Uint8Array(parts.flatMap((part) => [...part]));
}

if (import.meta.main) {
  const { check } = flags(USAGE, "check");
  // The import installs the package; only then does its path resolve.
  await import(`${PACKAGE}/package.json`, { with: { type: "json" } });
  const model = new URL(import.meta.resolve(`${PACKAGE}/dist/silero_vad_v6.onnx`));
  const bytes = packed(await Deno.readFile(model));
  if (check) {
    const there = await Deno.readFile(OUTPUT);
    if (!bytes.every((one, n) => one === there[n]) || bytes.length !== there.length) {
      console.error("native/src/silero/weights.bin does not match the model: run this script");
      Deno.exit(1);
    }
  } else {
    await Deno.writeFile(OUTPUT, bytes);
    console.log(`${bytes.length} bytes`);
  }
}

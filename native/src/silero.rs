//! Silero's network for 16 kHz: a spectrum, four convolutions, a recurrent layer and a score.
//!
//! The weights are those of Silero VAD v6 (MIT licence, beside them), in 8 bits each:
//! `scripts/silero_weights.ts` converts them from the published model.

use crate::simd::{dense, Dense, Isa};
use std::sync::OnceLock;

/// Samples of a score: 32 ms at 16 kHz.
pub const FRAME: usize = 512;
/// Samples before them that the network hears again.
const CONTEXT: usize = 64;
/// The input, its last samples mirrored behind it.
const INPUT: usize = CONTEXT + FRAME + MIRRORED;
const MIRRORED: usize = 64;

/// Samples of a spectrum, and from one to the next.
const WINDOW: usize = 256;
const HOP: usize = 128;
/// Spectra of an input.
const SPECTRA: usize = (INPUT - WINDOW) / HOP + 1;
/// Frequencies of a spectrum.
const BINS: usize = WINDOW / 2 + 1;
/// Real parts of a spectrum with what fills the vectors; as many imaginary ones follow.
const PARTS: usize = 160;

/// Each convolution hears a row and its neighbours.
const TAPS: usize = 3;
/// Inputs, outputs, and input rows from one output to the next, of each convolution.
const CONVOLUTIONS: [(usize, usize, usize); 4] =
    [(BINS, 128, 1), (128, 64, 2), (64, 64, 2), (64, HIDDEN, 1)];
/// Cells of the recurrent layer.
const HIDDEN: usize = 128;

/// Weights that share a scale.
const GROUP: usize = 64;
static PACKED: &[u8] = include_bytes!("silero/weights.bin");

/// A layer's weights, for each input those of all outputs, and its biases.
struct Layer {
    weights: Vec<f32>,
    bias: Vec<f32>,
}

struct Weights {
    spectrum: Layer,
    convolutions: [Layer; 4],
    /// Gates of the recurrent layer: input, forget, cell and output. Inputs, then hidden values.
    gates: Layer,
    score: Layer,
}

/// What the network remembers of a stream.
pub struct Silero {
    isa: Isa,
    input: [f32; INPUT],
    /// The recurrent layer's input and, behind it, its output.
    values: [f32; 2 * HIDDEN],
    cells: [f32; HIDDEN],
    /// The rows of a layer, with an empty one before and after them, and those of the next.
    rows: [Vec<f32>; 2],
}

impl Silero {
    /// A network that has heard nothing.
    #[must_use]
    pub fn new(isa: Isa) -> Self {
        let rows = || vec![0.0; (SPECTRA + 2) * 2 * PARTS];
        Self {
            isa,
            input: [0.0; INPUT],
            values: [0.0; 2 * HIDDEN],
            cells: [0.0; HIDDEN],
            rows: [rows(), rows()],
        }
    }

    /// Forgets everything.
    pub fn reset(&mut self) {
        self.input.fill(0.0);
        self.values.fill(0.0);
        self.cells.fill(0.0);
    }

    /// Takes the next samples; returns how probable speech is in them.
    pub fn predict(&mut self, frame: &[i16; FRAME]) -> f32 {
        let weights = weights();
        self.take(frame);
        self.spectra(&weights.spectrum);
        let mut rows = SPECTRA;
        for (layer, (inputs, outputs, step)) in weights.convolutions.iter().zip(CONVOLUTIONS) {
            rows = self.convolve(layer, inputs, outputs, step, rows);
        }
        self.values[..HIDDEN].copy_from_slice(&self.rows[0][HIDDEN..2 * HIDDEN]);
        self.recur(&weights.gates);
        let heard = self.values[HIDDEN..].iter().map(|value| value.max(0.0));
        let sum: f32 =
            heard.zip(&weights.score.weights).map(|(value, weight)| value * weight).sum();
        sigmoid(sum + weights.score.bias[0])
    }

    fn take(&mut self, frame: &[i16; FRAME]) {
        self.input.copy_within(FRAME..FRAME + CONTEXT, 0);
        for (to, &sample) in self.input[CONTEXT..].iter_mut().zip(frame) {
            *to = f32::from(sample) / 32_768.0;
        }
        let end = CONTEXT + FRAME;
        for n in 0..MIRRORED {
            self.input[end + n] = self.input[end - 2 - n];
        }
    }

    /// Writes the levels of all frequencies.
    fn spectra(&mut self, layer: &Layer) {
        let [rows, parts] = &mut self.rows;
        let shape = (&self.input[..], WINDOW, HOP, SPECTRA);
        apply(self.isa, layer, shape, parts);
        rows[..BINS].fill(0.0);
        rows[(SPECTRA + 1) * BINS..(SPECTRA + 2) * BINS].fill(0.0);
        for (to, from) in rows[BINS..].chunks_mut(BINS).zip(parts.chunks(2 * PARTS)).take(SPECTRA) {
            for (n, to) in to.iter_mut().enumerate() {
                *to = (from[n] * from[n] + from[PARTS + n] * from[PARTS + n]).sqrt();
            }
        }
    }

    /// Replaces the rows by those of the next layer, and returns their number.
    fn convolve(
        &mut self,
        layer: &Layer,
        inputs: usize,
        outputs: usize,
        step: usize,
        rows: usize,
    ) -> usize {
        let [from, to] = &mut self.rows;
        let made = (rows - 1) / step + 1;
        to[..outputs].fill(0.0);
        let end = (made + 1) * outputs;
        let shape = (&from[..], TAPS * inputs, step * inputs, made);
        apply(self.isa, layer, shape, &mut to[outputs..end]);
        for value in &mut to[outputs..end] {
            *value = value.max(0.0);
        }
        to[end..end + outputs].fill(0.0);
        self.rows.swap(0, 1);
        made
    }

    fn recur(&mut self, layer: &Layer) {
        let gates = &mut self.rows[1][..4 * HIDDEN];
        apply(self.isa, layer, (&self.values[..], 2 * HIDDEN, 0, 1), gates);
        for (n, cell) in self.cells.iter_mut().enumerate() {
            let [input, forget, candidate, output] =
                [0, 1, 2, 3].map(|gate| gates[gate * HIDDEN + n]);
            *cell = sigmoid(forget) * *cell + sigmoid(input) * candidate.tanh();
            self.values[HIDDEN + n] = sigmoid(output) * cell.tanh();
        }
    }
}

/// Applies a layer to rows: all of them, inputs of one, how far apart they begin, and how many.
fn apply(
    isa: Isa,
    Layer { weights, bias }: &Layer,
    (input, inputs, step, rows): (&[f32], usize, usize, usize),
    output: &mut [f32],
) {
    dense(isa, &Dense { weights, bias, input, inputs, step, rows }, output);
}

fn sigmoid(value: f32) -> f32 {
    1.0 / (1.0 + (-value).exp())
}

/// The weights, unpacked once.
fn weights() -> &'static Weights {
    static WEIGHTS: OnceLock<Weights> = OnceLock::new();
    WEIGHTS.get_or_init(|| {
        let mut packed = PACKED;
        let convolutions =
            CONVOLUTIONS.map(|(inputs, outputs, _)| unpack(&mut packed, TAPS * inputs, outputs));
        let gates = unpack(&mut packed, 2 * HIDDEN, 4 * HIDDEN);
        let score = unpack(&mut packed, HIDDEN, 1);
        assert!(packed.is_empty());
        Weights { spectrum: spectrum(), convolutions, gates, score }
    })
}

/// Takes a layer: weights, a scale for each output of each group of inputs, and biases.
fn unpack(packed: &mut &[u8], inputs: usize, outputs: usize) -> Layer {
    let mut take = |bytes: usize| packed.split_off(..bytes).expect("the file is complete");
    let steps = take(inputs * outputs);
    let scales = floats(take(inputs.div_ceil(GROUP) * outputs * 4));
    let bias = floats(take(outputs * 4));
    let mut weights = Vec::with_capacity(steps.len());
    for (steps, scales) in steps.chunks(GROUP * outputs).zip(scales.chunks(outputs)) {
        for steps in steps.chunks(outputs) {
            let steps = steps.iter().map(|step| f32::from(i8::from_le_bytes([*step])));
            weights.extend(steps.zip(scales).map(|(step, scale)| step * scale));
        }
    }
    Layer { weights, bias }
}

fn floats(bytes: &[u8]) -> Vec<f32> {
    bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect()
}

/// The Fourier transform of a window, as a layer.
#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation)] // Small numbers, once.
fn spectrum() -> Layer {
    let mut weights = vec![0.0; WINDOW * 2 * PARTS];
    for (n, weights) in weights.chunks_mut(2 * PARTS).enumerate() {
        let turn = std::f64::consts::TAU / WINDOW as f64;
        let window = 0.5 - 0.5 * (turn * n as f64).cos();
        for bin in 0..BINS {
            let angle = turn * (n * bin % WINDOW) as f64;
            weights[bin] = (window * angle.cos()) as f32;
            weights[PARTS + bin] = (window * angle.sin()) as f32;
        }
    }
    Layer { weights, bias: vec![0.0; 2 * PARTS] }
}

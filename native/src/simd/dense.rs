//! Layers of a network over vectors of any width: weights times a few rows of input.

use super::Lanes;

/// Rows of input for a layer. An output is the sum of all inputs of its row, each times a weight, and
/// of a bias.
pub struct Dense<'a> {
    /// For each input the weights of all outputs.
    pub weights: &'a [f32],
    /// One for each output. Their number is a multiple of 64: four of the widest vectors.
    pub bias: &'a [f32],
    /// All rows; they may overlap.
    pub input: &'a [f32],
    /// Inputs of a row.
    pub inputs: usize,
    /// How far apart rows begin.
    pub step: usize,
    /// How many rows there are.
    pub rows: usize,
}

impl Dense<'_> {
    pub(super) fn fits(&self, output: &[f32]) -> bool {
        let outputs = self.bias.len();
        outputs.is_multiple_of(64)
            && self.weights.len() == self.inputs * outputs
            && self.input.len() >= self.rows.saturating_sub(1) * self.step + self.inputs
            && output.len() >= self.rows * outputs
    }
}

/// Writes the outputs of each row.
///
/// # Safety
/// The machine has the instructions of `L`, and the layer fits the output.
#[inline(always)]
pub(super) unsafe fn dense<L: Lanes>(layer: &Dense, output: &mut [f32]) {
    let mut row = 0;
    while row < layer.rows {
        // A weight that is loaded once serves several rows; sums stay in registers.
        row += match layer.rows - row {
            // SAFETY: the caller's promise, and there are as many rows.
            4.. => unsafe { tile::<L, 4, 2>(layer, row, output) },
            // SAFETY: as above.
            2.. => unsafe { tile::<L, 2, 4>(layer, row, output) },
            // SAFETY: as above.
            _ => unsafe { tile::<L, 1, 4>(layer, row, output) },
        };
    }
}

/// Writes the outputs of `R` rows, `V` vectors at a time; returns `R`.
#[inline(always)]
unsafe fn tile<L: Lanes, const R: usize, const V: usize>(
    layer: &Dense,
    first: usize,
    output: &mut [f32],
) -> usize {
    let outputs = layer.bias.len();
    // SAFETY: the caller's promise; `outputs` is a multiple of what a tile takes.
    unsafe {
        let input = layer.input.as_ptr().add(first * layer.step);
        let to = output.as_mut_ptr().add(first * outputs);
        for at in (0..outputs).step_by(V * L::N) {
            let mut sums = [[L::zero(); V]; R];
            for sums in &mut sums {
                for (v, sum) in sums.iter_mut().enumerate() {
                    *sum = L::load(layer.bias.as_ptr().add(at + v * L::N));
                }
            }
            for n in 0..layer.inputs {
                let from = layer.weights.as_ptr().add(n * outputs + at);
                // No closure: it would not be compiled for the instructions of its caller.
                let mut weights = [L::zero(); V];
                for (v, weight) in weights.iter_mut().enumerate() {
                    *weight = L::load(from.add(v * L::N));
                }
                for (row, sums) in sums.iter_mut().enumerate() {
                    let value = L::splat(*input.add(row * layer.step + n));
                    for (sum, weight) in sums.iter_mut().zip(weights) {
                        *sum = weight.mul_add(value, *sum);
                    }
                }
            }
            for (row, sums) in sums.into_iter().enumerate() {
                for (v, sum) in sums.into_iter().enumerate() {
                    sum.store(to.add(row * outputs + at + v * L::N));
                }
            }
        }
    }
    R
}

//! The low-pass filter behind every resampler.
//!
//! It lives at the rate `up * input` = `down * output` and cuts at the lower Nyquist frequency, so
//! it is a Nyquist filter: zero at every multiple of `max(up, down)` but the middle. The TypeScript
//! kernel's `filter.ts` says how its two numbers were chosen; both must change together.

use crate::Error;
use std::f64::consts::PI;

const ZERO_CROSSINGS: usize = 28;
const BETA: f64 = 10.0;
const MAX_COEFFICIENTS: usize = 1 << 21;

/// The lowest sample rate, in Hz.
pub const MIN_RATE: u32 = 1_000;
/// The highest sample rate, in Hz.
pub const MAX_RATE: u32 = 384_000;

/// A filter for one ratio of rates, split into its phases.
pub struct Filter {
    /// Phases.
    pub up: usize,
    /// Input frames that `up` outputs advance.
    pub down: usize,
    /// Coefficients of a phase.
    pub taps: usize,
    /// The delay, in steps of 1 / (up * input rate): a whole number of output frames.
    pub delay: usize,
    /// `up` rows of `taps` coefficients, for inputs oldest first.
    pub rows: Vec<f32>,
}

/// Reduces a pair of rates to two coprime numbers, up first.
///
/// # Errors
/// [`Error::Rate`] when a rate is out of range.
pub fn ratio(input_rate: u32, output_rate: u32) -> Result<(usize, usize), Error> {
    let range = MIN_RATE..=MAX_RATE;
    if !range.contains(&input_rate) || !range.contains(&output_rate) {
        return Err(Error::Rate);
    }
    let divisor = greatest_common_divisor(input_rate, output_rate);
    Ok(((output_rate / divisor) as usize, (input_rate / divisor) as usize))
}

impl Filter {
    /// Designs the filter for a ratio.
    ///
    /// # Errors
    /// [`Error::Rate`] when the ratio would need too large a table.
    pub fn new(up: usize, down: usize) -> Result<Self, Error> {
        let spacing = up.max(down);
        let half_width = ZERO_CROSSINGS * spacing;
        let delay = half_width.div_ceil(down) * down;
        let taps = (delay + half_width).div_ceil(up);
        if up * taps > MAX_COEFFICIENTS {
            return Err(Error::Rate);
        }
        let mut rows = Vec::with_capacity(up * taps);
        let mut row = vec![0.0; taps];
        for phase in 0..up {
            for (tap, value) in row.iter_mut().rev().enumerate() {
                *value = prototype(phase + tap * up, delay, spacing);
            }
            // Each phase passes a constant unchanged: silence and full scale keep their values.
            let sum: f64 = row.iter().sum();
            #[allow(clippy::cast_possible_truncation)] // The kernels compute in f32.
            rows.extend(row.iter().map(|value| (value / sum) as f32));
        }
        Ok(Self { up, down, taps, delay, rows })
    }
}

/// The coefficient at `index`, where `delay` is the middle.
#[allow(clippy::cast_precision_loss)] // Indices are far below 2^52.
fn prototype(index: usize, delay: usize, spacing: usize) -> f64 {
    let offset = index.max(delay) - index.min(delay);
    if offset == 0 {
        return 1.0;
    }
    // Exactly zero, where sin() would leave 1e-17: the kernels skip these.
    if offset.is_multiple_of(spacing) || offset >= ZERO_CROSSINGS * spacing {
        return 0.0;
    }
    let x = PI * offset as f64 / spacing as f64;
    let position = offset as f64 / (ZERO_CROSSINGS * spacing) as f64;
    let window = bessel_i0(BETA * (1.0 - position * position).sqrt()) / bessel_i0(BETA);
    window * x.sin() / x
}

/// The modified Bessel function of the first kind, order 0, by its power series.
fn bessel_i0(x: f64) -> f64 {
    let quarter = x * x / 4.0;
    let (mut sum, mut term, mut k) = (1.0, 1.0, 1.0);
    while term > sum * 1e-17 {
        term *= quarter / (k * k);
        sum += term;
        k += 1.0;
    }
    sum
}

fn greatest_common_divisor(a: u32, b: u32) -> u32 {
    if b == 0 {
        a
    } else {
        greatest_common_divisor(b, a % b)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_phase_passes_a_constant_unchanged() {
        for (up, down) in [(1, 3), (3, 1), (160, 147), (80, 441)] {
            let filter = Filter::new(up, down).unwrap();
            for row in filter.rows.chunks(filter.taps) {
                let sum: f64 = row.iter().map(|&value| f64::from(value)).sum();
                assert!((sum - 1.0).abs() < 1e-6, "{up}/{down}: {sum}");
            }
        }
    }

    #[test]
    fn at_ratio_three_a_third_of_the_coefficients_are_zero() {
        let filter = Filter::new(1, 3).unwrap();
        assert_eq!(filter.delay, 84);
        let used = filter.rows.iter().filter(|&&value| value != 0.0).count();
        assert_eq!(used, 113);
    }

    #[test]
    fn the_delay_is_whole_output_frames() {
        for (up, down) in [(160, 147), (147, 160), (3, 2), (4, 3), (441, 80)] {
            assert_eq!(Filter::new(up, down).unwrap().delay % down, 0);
        }
    }

    #[test]
    fn absurd_rates_are_refused() {
        for (input, output) in [(0, 48_000), (48_000, 0), (999, 48_000), (48_000, u32::MAX)] {
            assert_eq!(ratio(input, output).err(), Some(Error::Rate));
        }
        let (up, down) = ratio(383_999, 384_000).unwrap();
        assert_eq!(Filter::new(up, down).err(), Some(Error::Rate));
    }
}

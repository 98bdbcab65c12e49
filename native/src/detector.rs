//! Tells speech from everything else: Silero's network, with a threshold that holds in noise.
//!
//! Noise alone reaches scores that a threshold of 0.5 takes for speech. Above [`SPEECH`] almost only
//! speech is left, and almost all of it, so that this score becomes the probability 0.5. The figures
//! that chose it stand in `bench/README.md`.

use crate::silero::{Silero, FRAME};
use crate::simd::Isa;

/// Samples per second of the input.
pub const RATE: u32 = 16_000;
/// The score that is as probably speech as not.
const SPEECH: f32 = 0.7;

/// The detector of one stream.
pub struct SpeechDetector {
    network: Box<Silero>,
    frame: [i16; FRAME],
    filled: usize,
    probability: f32,
}

impl SpeechDetector {
    /// A detector that has heard nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::with_isa(Isa::best())
    }

    /// A detector that computes with these instructions.
    #[must_use]
    pub fn with_isa(isa: Isa) -> Self {
        let network = Box::new(Silero::new(isa));
        Self { network, frame: [0; FRAME], filled: 0, probability: 0.0 }
    }

    /// Takes the next samples at [`RATE`], any number; returns the latest probability of speech.
    pub fn process(&mut self, mut samples: &[i16]) -> f32 {
        while !samples.is_empty() {
            let (now, later) = samples.split_at(samples.len().min(FRAME - self.filled));
            self.frame[self.filled..self.filled + now.len()].copy_from_slice(now);
            self.filled += now.len();
            samples = later;
            if self.filled == FRAME {
                self.filled = 0;
                self.probability = shifted(self.network.predict(&self.frame));
            }
        }
        self.probability
    }

    /// Forgets all input.
    pub fn reset(&mut self) {
        self.network.reset();
        self.filled = 0;
        self.probability = 0.0;
    }
}

impl Default for SpeechDetector {
    fn default() -> Self {
        Self::new()
    }
}

/// The score as a probability that is 0.5 at [`SPEECH`]; their log odds differ by a constant.
fn shifted(score: f32) -> f32 {
    let odds = score / (1.0 - score) * ((1.0 - SPEECH) / SPEECH);
    if odds.is_finite() {
        odds / (1.0 + odds)
    } else {
        1.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_probability_does_not_depend_on_how_the_samples_are_cut() {
        let samples: Vec<i16> =
            (0..8192u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 18) as i16).collect();
        let mut whole = SpeechDetector::new();
        let expected = whole.process(&samples);
        for cut in [1, 7, 511, 512, 320, 4000] {
            let mut detector = SpeechDetector::new();
            let mut last = 0.0;
            for part in samples.chunks(cut) {
                last = detector.process(part);
            }
            assert_eq!(last.to_bits(), expected.to_bits(), "{cut}");
            detector.reset();
            assert_eq!(detector.process(&samples).to_bits(), expected.to_bits(), "{cut}, again");
        }
    }

    #[test]
    fn silence_is_no_speech() {
        assert!(SpeechDetector::new().process(&vec![0; 16_000]) < 0.2);
    }

    #[test]
    #[allow(clippy::cast_possible_truncation)] // Noise, of any values.
    fn all_instructions_hear_the_same() {
        let samples: Vec<i16> = (0..16_000u32)
            .map(|n| (n.wrapping_mul(2_654_435_761) >> (17 + n / 4000)) as i16)
            .collect();
        let heard = |isa| {
            let mut detector = SpeechDetector::with_isa(isa);
            samples.chunks(FRAME).map(|part| detector.process(part)).collect::<Vec<_>>()
        };
        let expected = heard(Isa::PORTABLE);
        for isa in Isa::available() {
            for (one, other) in heard(isa).iter().zip(&expected) {
                assert!((one - other).abs() < 1e-3, "{isa:?}: {one} instead of {other}");
            }
        }
    }
}

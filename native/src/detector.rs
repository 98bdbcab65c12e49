//! Tells speech from everything else: `earshot`'s network, with a threshold that holds in noise.
//!
//! Noise alone reaches scores that a threshold of 0.5 takes for speech: music up to 0.9. Above
//! [`SPEECH`] almost only speech is left, and almost all of it, so that this score becomes the
//! probability 0.5. The figures that chose it stand in `bench/README.md`.

use earshot::Detector;

/// Samples per second of the input.
pub const RATE: u32 = 16_000;
/// Samples of one score: 16 ms.
const FRAME: usize = 256;
/// The score that is as probably speech as not.
const SPEECH: f32 = 0.915;
/// Scores that are averaged, as log odds: a single one jumps.
const SMOOTHED: usize = 3;

/// The detector of one stream.
pub struct SpeechDetector {
    network: Box<Detector>,
    frame: [i16; FRAME],
    filled: usize,
    /// The newest log odds, in no order.
    odds: [f32; SMOOTHED],
    next: usize,
}

impl SpeechDetector {
    /// A detector that has heard nothing.
    #[must_use]
    pub fn new() -> Self {
        Self {
            network: Detector::default_boxed(),
            frame: [0; FRAME],
            filled: 0,
            odds: [log_odds(0.0); SMOOTHED],
            next: 0,
        }
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
                self.odds[self.next] = log_odds(self.network.predict_i16(&self.frame));
                self.next = (self.next + 1) % SMOOTHED;
            }
        }
        self.probability()
    }

    /// Forgets all input.
    pub fn reset(&mut self) {
        self.network.reset();
        self.filled = 0;
        self.odds = [log_odds(0.0); SMOOTHED];
    }

    #[allow(clippy::cast_precision_loss)] // A small number.
    fn probability(&self) -> f32 {
        let mean = self.odds.iter().sum::<f32>() / SMOOTHED as f32;
        1.0 / (1.0 + (log_odds(SPEECH) - mean).exp())
    }
}

impl Default for SpeechDetector {
    fn default() -> Self {
        Self::new()
    }
}

/// The logarithm of how much more probable speech is than none; scores of 0 and 1 stay finite.
fn log_odds(score: f32) -> f32 {
    let score = score.clamp(1e-6, 1.0 - 1e-6);
    (score / (1.0 - score)).ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_probability_does_not_depend_on_how_the_samples_are_cut() {
        let samples: Vec<i16> =
            (0..8000u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 18) as i16).collect();
        let mut whole = SpeechDetector::new();
        let expected = whole.process(&samples);
        for cut in [1, 7, 255, 256, 320, 4000] {
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
}

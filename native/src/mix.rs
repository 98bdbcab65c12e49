//! Mixes several rows into one, and into one for each listener.

use crate::simd::{self, Isa, Rows};
use crate::Error;

/// The most rows that can be mixed together.
pub const MAX_ROWS: usize = 1024;
/// The highest gain of a row: with it the sum of the most rows still fits 32 bits.
pub const MAX_GAIN: f32 = 32.0;

/// Adding this to an f32 below 2^22 leaves its nearest even whole number in the low bits.
const ROUND: f32 = 12_582_912.0;
const ROUND_BITS: i32 = 0x4b40_0000;

/// The rows that a mix writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listeners {
    /// One row: everything.
    All,
    /// A row for each input: everything but that input.
    Others,
    /// The same, and everything in one more row.
    OthersAndAll,
}

impl Listeners {
    fn rows(self, count: usize) -> usize {
        match self {
            Self::All => 1,
            Self::Others => count,
            Self::OthersAndAll => count + 1,
        }
    }
}

/// Gains of the rows: where they start and where they end.
#[derive(Clone, Copy)]
pub struct Gains<'a> {
    /// Before the first sample.
    pub from: &'a [f32],
    /// At the last sample.
    pub to: &'a [f32],
}

/// Mixes `count` rows of `frames` samples.
///
/// # Errors
/// [`Error::Length`] when a slice is too short or there are too many rows, [`Error::Gain`] when a
/// gain is out of range; nothing is written then.
pub fn mix(
    isa: Isa,
    rows: &Rows,
    gains: Option<Gains>,
    listeners: Listeners,
    contributions: &mut Vec<i32>,
    output: &mut [i16],
) -> Result<(), Error> {
    let &Rows { block, count, frames } = rows;
    let needed = |rows: usize| rows.checked_mul(frames).ok_or(Error::Length);
    if count > MAX_ROWS
        || block.len() < needed(count)?
        || output.len() < needed(listeners.rows(count))?
    {
        return Err(Error::Length);
    }
    let gains = match gains {
        Some(gains) => used_gains(gains, count)?,
        None => None,
    };
    match (gains, listeners) {
        (Some(gains), _) => mix_with_gains(rows, gains, listeners, contributions, output),
        (None, Listeners::All) => simd::mix(isa, rows, output),
        (None, Listeners::Others) => simd::mix_minus(isa, rows, output, false),
        (None, Listeners::OthersAndAll) => simd::mix_minus(isa, rows, output, true),
    }
    Ok(())
}

/// The gains, checked; none where all are 1.
fn used_gains(gains: Gains, count: usize) -> Result<Option<Gains>, Error> {
    if gains.from.len() < count || gains.to.len() < count {
        return Err(Error::Length);
    }
    let gains = Gains { from: &gains.from[..count], to: &gains.to[..count] };
    let all = || gains.from.iter().chain(gains.to);
    if !all().all(|gain| (0.0..=MAX_GAIN).contains(gain)) {
        return Err(Error::Gain);
    }
    #[allow(clippy::float_cmp)] // Exactly 1 changes nothing.
    let unity = all().all(|&gain| gain == 1.0);
    Ok(if unity { None } else { Some(gains) })
}

fn mix_with_gains(
    rows: &Rows,
    gains: Gains,
    listeners: Listeners,
    contributions: &mut Vec<i32>,
    output: &mut [i16],
) {
    let &Rows { block, count, frames } = rows;
    if frames == 0 {
        return;
    }
    contributions.clear();
    contributions.resize((count + 1) * frames, 0);
    let (total, own) = contributions.split_at_mut(frames);
    for (row, own) in own.chunks_mut(frames).enumerate() {
        scale(&block[row * frames..][..frames], gains.from[row], gains.to[row], own);
        for (total, own) in total.iter_mut().zip(own) {
            *total += *own;
        }
    }
    let mut outputs = output.chunks_mut(frames);
    if listeners != Listeners::All {
        for (own, output) in own.chunks(frames).zip(outputs.by_ref()) {
            for ((to, total), own) in output.iter_mut().zip(&*total).zip(own) {
                *to = saturate(total - own);
            }
        }
    }
    if listeners != Listeners::Others {
        for (to, &total) in outputs.next().into_iter().flatten().zip(&*total) {
            *to = saturate(total);
        }
    }
}

/// `gain * sample`, rounded to the nearest even whole number, with the gain in a straight line.
#[allow(clippy::cast_precision_loss)] // A frame has far fewer than 2^24 samples.
#[allow(clippy::float_cmp)] // Exactly: a gain that stays must not be computed anew.
#[allow(clippy::cast_possible_wrap)] // Bits on purpose.
fn scale(samples: &[i16], from: f32, to: f32, own: &mut [i32]) {
    let step = (to - from) / samples.len() as f32;
    for (index, (own, &sample)) in own.iter_mut().zip(samples).enumerate() {
        let gain = if step == 0.0 { from } else { from + step * (index + 1) as f32 };
        *own = (gain * f32::from(sample) + ROUND).to_bits() as i32 - ROUND_BITS;
    }
}

#[allow(clippy::cast_possible_truncation)] // Clamped.
fn saturate(sum: i32) -> i16 {
    sum.max(i32::from(i16::MIN)).min(i32::from(i16::MAX)) as i16
}

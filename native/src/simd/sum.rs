//! Mixing over vectors of any width. Sums are exact and saturated once: in i32, or in i16 where it is
//! certain that they fit.

use super::{Rows, Samples};

/// Vectors that are summed before the next row is read: enough to keep additions independent.
const TILE: usize = 4;

/// Tells where a sum of rows fits i16 without a sum of more bits: rows divided by 2 to the `bits` and
/// rounded down have a sum that always fits, and it says within `count * (2^bits - 1)` what the sum is.
#[derive(Clone, Copy)]
struct Rough<S> {
    bits: u32,
    low: S,
    high: S,
}

impl<S: Samples> Rough<S> {
    /// `None` where it could never be certain.
    #[inline(always)]
    #[allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap)] // Within i16.
    unsafe fn new(count: usize) -> Option<Self> {
        let bits = count.next_power_of_two().trailing_zeros();
        let most = usize::checked_sub(1 << 15, 1 + count * ((1 << bits) - 1))? >> bits;
        // SAFETY: the caller's promise: the machine has the instructions of `S`.
        let (low, high) =
            unsafe { (S::splat((-32_768_i32 >> bits) as i16), S::splat(most as i16)) };
        Some(Self { bits, low, high })
    }
}

/// The sums of `T` vectors in i16, if that pays and they fit for certain.
///
/// # Safety
/// As with [`sums`].
#[inline(always)]
unsafe fn short_sums<S: Samples, const T: usize>(
    rows: &Rows,
    rough: &mut Option<Rough<S>>,
    at: usize,
) -> Option<[S; T]> {
    if !S::SHORT_SUMS {
        return None;
    }
    let Rough { bits, low, high } = (*rough)?;
    // SAFETY: the caller's promise.
    unsafe {
        // Intermediate overflows cancel: modulo 2^16 the sum is right.
        let mut sums = [S::splat(0); T];
        let mut roughly = [S::splat(0); T];
        for row in 0..rows.count {
            let from = rows.block.as_ptr().add(row * rows.frames + at);
            for index in 0..T {
                let samples = S::load(from.add(index * S::N));
                sums[index] = sums[index].wrapping_add(samples);
                roughly[index] = roughly[index].wrapping_add(samples.shift_right(bits));
            }
        }
        let mut fit = true;
        for roughly in roughly {
            fit &= roughly.within(low, high);
        }
        if fit {
            return Some(sums);
        }
        *rough = None; // Loud once in a frame is loud again: no further attempts in this frame.
        None
    }
}

/// Writes the sum of all rows.
///
/// # Safety
/// The machine has the instructions of `S`; the slices are as long as `rows` says.
#[inline(always)]
pub(crate) unsafe fn mix<S: Samples>(rows: &Rows, output: &mut [i16]) {
    let mut at = 0;
    // SAFETY: the caller's promise; every vector lies within a row.
    unsafe {
        let mut rough = Rough::new(rows.count);
        while rows.frames - at >= TILE * S::N {
            total::<S, TILE>(rows, &mut rough, at, output.as_mut_ptr());
            at += TILE * S::N;
        }
        while rows.frames - at >= S::N {
            total::<S, 1>(rows, &mut rough, at, output.as_mut_ptr());
            at += S::N;
        }
    }
    for (at, to) in output.iter_mut().enumerate().take(rows.frames).skip(at) {
        *to = saturate(sum_at(rows, at));
    }
}

/// Writes for each row the sum of the others, then perhaps the sum of all.
///
/// # Safety
/// As with [`mix`].
#[inline(always)]
pub(crate) unsafe fn mix_minus<S: Samples>(rows: &Rows, output: &mut [i16], with_total: bool) {
    let mut at = 0;
    // SAFETY: the caller's promise; every vector lies within a row.
    unsafe {
        let mut rough = Rough::new(rows.count);
        while rows.frames - at >= TILE * S::N {
            others::<S, TILE>(rows, &mut rough, at, output.as_mut_ptr(), with_total);
            at += TILE * S::N;
        }
        while rows.frames - at >= S::N {
            others::<S, 1>(rows, &mut rough, at, output.as_mut_ptr(), with_total);
            at += S::N;
        }
    }
    for at in at..rows.frames {
        let total = sum_at(rows, at);
        for row in 0..rows.count {
            let index = row * rows.frames + at;
            output[index] = saturate(total - i32::from(rows.block[index]));
        }
        if with_total {
            output[rows.count * rows.frames + at] = saturate(total);
        }
    }
}

#[inline(always)]
unsafe fn sums<S: Samples, const T: usize>(rows: &Rows, at: usize) -> [S::Sums; T] {
    // SAFETY: the caller's promise: `at` and `T` vectors lie within a row.
    unsafe {
        let mut sums = [S::zero(); T];
        for row in 0..rows.count {
            let from = rows.block.as_ptr().add(row * rows.frames + at);
            for (index, sum) in sums.iter_mut().enumerate() {
                *sum = S::add(*sum, S::load(from.add(index * S::N)));
            }
        }
        sums
    }
}

#[inline(always)]
unsafe fn total<S: Samples, const T: usize>(
    rows: &Rows,
    rough: &mut Option<Rough<S>>,
    at: usize,
    output: *mut i16,
) {
    // SAFETY: the caller's promise.
    unsafe {
        if let Some(sums) = short_sums::<S, T>(rows, rough, at) {
            for (index, &sum) in sums.iter().enumerate() {
                sum.store(output.add(at + index * S::N));
            }
            return;
        }
        for (index, &sum) in sums::<S, T>(rows, at).iter().enumerate() {
            S::narrow(sum).store(output.add(at + index * S::N));
        }
    }
}

#[inline(always)]
unsafe fn others<S: Samples, const T: usize>(
    rows: &Rows,
    rough: &mut Option<Rough<S>>,
    at: usize,
    output: *mut i16,
    with_total: bool,
) {
    // SAFETY: the caller's promise.
    unsafe {
        if let Some(sums) = short_sums::<S, T>(rows, rough, at) {
            for row in 0..rows.count {
                let own = rows.block.as_ptr().add(row * rows.frames + at);
                let to = output.add(row * rows.frames + at);
                for (index, sum) in sums.iter().enumerate() {
                    let rest = sum.saturating_sub(S::load(own.add(index * S::N)));
                    rest.store(to.add(index * S::N));
                }
            }
            if with_total {
                let to = output.add(rows.count * rows.frames + at);
                for (index, sum) in sums.iter().enumerate() {
                    sum.store(to.add(index * S::N));
                }
            }
            return;
        }
        let sums = sums::<S, T>(rows, at);
        let mut narrowed = [S::narrow(S::zero()); T];
        let mut exact = true;
        for (narrow, &sum) in narrowed.iter_mut().zip(&sums) {
            *narrow = S::narrow(sum);
            exact &= S::exact(sum, *narrow);
        }
        for row in 0..rows.count {
            let from = rows.block.as_ptr().add(row * rows.frames + at);
            let to = output.add(row * rows.frames + at);
            for index in 0..T {
                let own = S::load(from.add(index * S::N));
                // Where the total fits 16 bits, saturating 16-bit subtraction is exact.
                let rest = if exact {
                    narrowed[index].saturating_sub(own)
                } else {
                    S::narrow(S::sub(sums[index], own))
                };
                rest.store(to.add(index * S::N));
            }
        }
        if with_total {
            let to = output.add(rows.count * rows.frames + at);
            for (index, narrow) in narrowed.iter().enumerate() {
                narrow.store(to.add(index * S::N));
            }
        }
    }
}

#[inline(always)]
fn sum_at(rows: &Rows, at: usize) -> i32 {
    (0..rows.count).map(|row| i32::from(rows.block[row * rows.frames + at])).sum()
}

#[allow(clippy::cast_possible_truncation)] // Clamped.
#[inline(always)]
fn saturate(sum: i32) -> i16 {
    sum.max(i32::from(i16::MIN)).min(i32::from(i16::MAX)) as i16
}

//! Vectors in plain Rust: for machines without any, and as the twin of those that a test machine
//! lacks (NEON has the same four lanes).

use super::{Lanes, Samples};

#[derive(Clone, Copy)]
pub(super) struct Four([f32; 4]);

impl Lanes for Four {
    const N: usize = 4;

    #[inline(always)]
    unsafe fn zero() -> Self {
        Self([0.0; 4])
    }
    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        Self([value; 4])
    }
    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: the trait's contract.
        Self(unsafe { from.cast::<[f32; 4]>().read() })
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: the trait's contract.
        unsafe { to.cast::<[f32; 4]>().write(self.0) }
    }
    #[inline(always)]
    unsafe fn widen(from: *const i16) -> Self {
        // SAFETY: the trait's contract.
        Self(unsafe { from.cast::<[i16; 4]>().read() }.map(f32::from))
    }
    #[inline(always)]
    unsafe fn deal_two([Self(a), Self(b)]: [Self; 2]) -> [Self; 2] {
        [Self([a[0], a[2], b[0], b[2]]), Self([a[1], a[3], b[1], b[3]])]
    }
    #[inline(always)]
    unsafe fn deal_three([Self(a), Self(b), Self(c)]: [Self; 3]) -> [Self; 3] {
        [
            Self([a[0], a[3], b[2], c[1]]),
            Self([a[1], b[0], b[3], c[2]]),
            Self([a[2], b[1], c[0], c[3]]),
        ]
    }
    #[inline(always)]
    unsafe fn mul_add(self, factor: Self, sum: Self) -> Self {
        let mut result = sum.0;
        for (index, result) in result.iter_mut().enumerate() {
            *result += self.0[index] * factor.0[index];
        }
        Self(result)
    }
    #[inline(always)]
    unsafe fn sum_each(vectors: [Self; 8], to: *mut f32) {
        for (index, Self([a, b, c, d])) in vectors.into_iter().enumerate() {
            // SAFETY: the trait's contract.
            unsafe { to.add(index).write((a + b) + (c + d)) }
        }
    }
}

#[derive(Clone, Copy)]
pub(super) struct Eight([i16; 8]);

impl Samples for Eight {
    const N: usize = 8;
    type Sums = [i32; 8];

    #[inline(always)]
    unsafe fn load(from: *const i16) -> Self {
        // SAFETY: the trait's contract.
        Self(unsafe { from.cast::<[i16; 8]>().read() })
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut i16) {
        // SAFETY: the trait's contract.
        unsafe { to.cast::<[i16; 8]>().write(self.0) }
    }
    #[inline(always)]
    unsafe fn splat(value: i16) -> Self {
        Self([value; 8])
    }
    #[inline(always)]
    unsafe fn wrapping_add(mut self, other: Self) -> Self {
        for (sample, other) in self.0.iter_mut().zip(other.0) {
            *sample = sample.wrapping_add(other);
        }
        self
    }
    #[inline(always)]
    unsafe fn shift_right(self, bits: u32) -> Self {
        Self(self.0.map(|sample| sample >> bits))
    }
    #[inline(always)]
    unsafe fn within(self, Self(low): Self, Self(high): Self) -> bool {
        (0..8).all(|index| (low[index]..=high[index]).contains(&self.0[index]))
    }
    #[inline(always)]
    unsafe fn saturating_sub(mut self, other: Self) -> Self {
        for (sample, other) in self.0.iter_mut().zip(other.0) {
            *sample = sample.saturating_sub(other);
        }
        self
    }
    #[inline(always)]
    unsafe fn zero() -> Self::Sums {
        [0; 8]
    }
    #[inline(always)]
    unsafe fn add(mut sums: Self::Sums, samples: Self) -> Self::Sums {
        for (sum, sample) in sums.iter_mut().zip(samples.0) {
            *sum += i32::from(sample);
        }
        sums
    }
    #[inline(always)]
    unsafe fn sub(mut sums: Self::Sums, samples: Self) -> Self::Sums {
        for (sum, sample) in sums.iter_mut().zip(samples.0) {
            *sum -= i32::from(sample);
        }
        sums
    }
    #[inline(always)]
    #[allow(clippy::cast_possible_truncation)] // Clamped.
    unsafe fn narrow(sums: Self::Sums) -> Self {
        let (low, high) = (i32::from(i16::MIN), i32::from(i16::MAX));
        Self(sums.map(|sum| sum.max(low).min(high) as i16))
    }
    #[inline(always)]
    unsafe fn exact(sums: Self::Sums, narrowed: Self) -> bool {
        sums.iter().zip(narrowed.0).all(|(&sum, sample)| sum == i32::from(sample))
    }
}

super::entry_points!(Four, Eight, 10,);

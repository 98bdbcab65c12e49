//! WebAssembly's 128-bit vectors.

// Every function is unsafe as a whole, by the contract of its trait.
#![allow(unsafe_op_in_unsafe_fn, unused_unsafe)]

use super::{Lanes, Samples};
use std::arch::wasm32::*;

#[derive(Clone, Copy)]
pub(super) struct Floats(v128);

impl Lanes for Floats {
    const N: usize = 4;

    #[inline(always)]
    unsafe fn zero() -> Self {
        Self(f32x4_splat(0.0))
    }
    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        Self(f32x4_splat(value))
    }
    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        Self(v128_load(from.cast()))
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        v128_store(to.cast(), self.0);
    }
    #[inline(always)]
    unsafe fn widen(from: *const i16) -> Self {
        Self(f32x4_convert_i32x4(i32x4_load_extend_i16x4(from)))
    }
    #[inline(always)]
    unsafe fn deal_two([Self(a), Self(b)]: [Self; 2]) -> [Self; 2] {
        [Self(i32x4_shuffle::<0, 2, 4, 6>(a, b)), Self(i32x4_shuffle::<1, 3, 5, 7>(a, b))]
    }
    #[inline(always)]
    unsafe fn deal_three([Self(a), Self(b), Self(c)]: [Self; 3]) -> [Self; 3] {
        [
            Self(i32x4_shuffle::<0, 1, 2, 5>(i32x4_shuffle::<0, 3, 6, 0>(a, b), c)),
            Self(i32x4_shuffle::<0, 1, 2, 6>(i32x4_shuffle::<1, 4, 7, 0>(a, b), c)),
            Self(i32x4_shuffle::<0, 1, 4, 7>(i32x4_shuffle::<2, 5, 0, 0>(a, b), c)),
        ]
    }
    #[inline(always)]
    unsafe fn mul_add(self, factor: Self, sum: Self) -> Self {
        #[cfg(target_feature = "relaxed-simd")]
        return Self(f32x4_relaxed_madd(self.0, factor.0, sum.0));
        #[cfg(not(target_feature = "relaxed-simd"))]
        Self(f32x4_add(f32x4_mul(self.0, factor.0), sum.0))
    }
    #[inline(always)]
    unsafe fn sum_each([a, b, c, d, e, f, g, h]: [Self; 8], to: *mut f32) {
        v128_store(to.cast(), sum_four([a, b, c, d]));
        v128_store(to.add(4).cast(), sum_four([e, f, g, h]));
    }
}

/// The sum of the elements of each of four vectors.
#[inline(always)]
fn sum_four([Floats(a), Floats(b), Floats(c), Floats(d)]: [Floats; 4]) -> v128 {
    let ab = f32x4_add(i32x4_shuffle::<0, 4, 1, 5>(a, b), i32x4_shuffle::<2, 6, 3, 7>(a, b));
    let cd = f32x4_add(i32x4_shuffle::<0, 4, 1, 5>(c, d), i32x4_shuffle::<2, 6, 3, 7>(c, d));
    let even = i32x4_shuffle::<0, 1, 4, 5>(ab, cd);
    let odd = i32x4_shuffle::<2, 3, 6, 7>(ab, cd);
    f32x4_add(even, odd)
}

#[derive(Clone, Copy)]
pub(super) struct Shorts(v128);

impl Samples for Shorts {
    const N: usize = 8;
    const SHORT_SUMS: bool = false;
    type Sums = [v128; 2];

    #[inline(always)]
    unsafe fn load(from: *const i16) -> Self {
        Self(v128_load(from.cast()))
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut i16) {
        v128_store(to.cast(), self.0);
    }
    #[inline(always)]
    unsafe fn splat(value: i16) -> Self {
        Self(i16x8_splat(value))
    }
    #[inline(always)]
    unsafe fn wrapping_add(self, other: Self) -> Self {
        Self(i16x8_add(self.0, other.0))
    }
    #[inline(always)]
    unsafe fn shift_right(self, bits: u32) -> Self {
        Self(i16x8_shr(self.0, bits))
    }
    #[inline(always)]
    unsafe fn within(self, low: Self, high: Self) -> bool {
        !v128_any_true(v128_or(i16x8_lt(self.0, low.0), i16x8_gt(self.0, high.0)))
    }
    #[inline(always)]
    unsafe fn saturating_sub(self, other: Self) -> Self {
        Self(i16x8_sub_sat(self.0, other.0))
    }
    #[inline(always)]
    unsafe fn zero() -> Self::Sums {
        [i32x4_splat(0); 2]
    }
    #[inline(always)]
    unsafe fn add([low, high]: Self::Sums, samples: Self) -> Self::Sums {
        [
            i32x4_add(low, i32x4_extend_low_i16x8(samples.0)),
            i32x4_add(high, i32x4_extend_high_i16x8(samples.0)),
        ]
    }
    #[inline(always)]
    unsafe fn sub([low, high]: Self::Sums, samples: Self) -> Self::Sums {
        [
            i32x4_sub(low, i32x4_extend_low_i16x8(samples.0)),
            i32x4_sub(high, i32x4_extend_high_i16x8(samples.0)),
        ]
    }
    #[inline(always)]
    unsafe fn narrow([low, high]: Self::Sums) -> Self {
        Self(i16x8_narrow_i32x4(low, high))
    }
    #[inline(always)]
    unsafe fn exact([low, high]: Self::Sums, narrowed: Self) -> bool {
        let l = i32x4_eq(low, i32x4_extend_low_i16x8(narrowed.0));
        let h = i32x4_eq(high, i32x4_extend_high_i16x8(narrowed.0));
        i32x4_all_true(v128_and(l, h))
    }
}

super::entry_points!(Floats, Shorts, 10,);

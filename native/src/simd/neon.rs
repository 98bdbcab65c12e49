//! AArch64's baseline.

// Every function is unsafe as a whole, by the contract of its trait.
#![allow(unsafe_op_in_unsafe_fn)]

use super::{Lanes, Samples};
use std::arch::aarch64::*;

impl Lanes for float32x4_t {
    const N: usize = 4;

    #[inline(always)]
    unsafe fn zero() -> Self {
        vdupq_n_f32(0.0)
    }
    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        vdupq_n_f32(value)
    }
    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        vld1q_f32(from)
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        vst1q_f32(to, self);
    }
    #[inline(always)]
    unsafe fn widen(from: *const i16) -> Self {
        vcvtq_f32_s32(vmovl_s16(vld1_s16(from)))
    }
    #[inline(always)]
    unsafe fn deal_two([a, b]: [Self; 2]) -> [Self; 2] {
        [vuzp1q_f32(a, b), vuzp2q_f32(a, b)]
    }
    #[inline(always)]
    unsafe fn deal_three(three: [Self; 3]) -> [Self; 3] {
        let float32x4x3_t(a, b, c) = vld3q_f32(three.as_ptr().cast());
        [a, b, c]
    }
    #[inline(always)]
    unsafe fn mul_add(self, factor: Self, sum: Self) -> Self {
        vfmaq_f32(sum, self, factor)
    }
    #[inline(always)]
    unsafe fn sum_each([a, b, c, d, e, f, g, h]: [Self; 8], to: *mut f32) {
        vst1q_f32(to, vpaddq_f32(vpaddq_f32(a, b), vpaddq_f32(c, d)));
        vst1q_f32(to.add(4), vpaddq_f32(vpaddq_f32(e, f), vpaddq_f32(g, h)));
    }
}

impl Samples for int16x8_t {
    const N: usize = 8;
    type Sums = [int32x4_t; 2];

    #[inline(always)]
    unsafe fn load(from: *const i16) -> Self {
        vld1q_s16(from)
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut i16) {
        vst1q_s16(to, self);
    }
    #[inline(always)]
    unsafe fn splat(value: i16) -> Self {
        vdupq_n_s16(value)
    }
    #[inline(always)]
    unsafe fn wrapping_add(self, other: Self) -> Self {
        vaddq_s16(self, other)
    }
    #[inline(always)]
    #[allow(clippy::cast_possible_truncation)] // Below 16.
    unsafe fn shift_right(self, bits: u32) -> Self {
        vshlq_s16(self, vdupq_n_s16(-(bits as i16)))
    }
    #[inline(always)]
    unsafe fn within(self, low: Self, high: Self) -> bool {
        vmaxvq_u16(vorrq_u16(vcltq_s16(self, low), vcgtq_s16(self, high))) == 0
    }
    #[inline(always)]
    unsafe fn saturating_sub(self, other: Self) -> Self {
        vqsubq_s16(self, other)
    }
    #[inline(always)]
    unsafe fn zero() -> Self::Sums {
        [vdupq_n_s32(0); 2]
    }
    #[inline(always)]
    unsafe fn add([low, high]: Self::Sums, samples: Self) -> Self::Sums {
        [vaddw_s16(low, vget_low_s16(samples)), vaddw_high_s16(high, samples)]
    }
    #[inline(always)]
    unsafe fn sub([low, high]: Self::Sums, samples: Self) -> Self::Sums {
        [vsubw_s16(low, vget_low_s16(samples)), vsubw_high_s16(high, samples)]
    }
    #[inline(always)]
    unsafe fn narrow([low, high]: Self::Sums) -> Self {
        vcombine_s16(vqmovn_s32(low), vqmovn_s32(high))
    }
    #[inline(always)]
    unsafe fn exact([low, high]: Self::Sums, narrowed: Self) -> bool {
        let l = vceqq_s32(low, vmovl_s16(vget_low_s16(narrowed)));
        let h = vceqq_s32(high, vmovl_high_s16(narrowed));
        vminvq_u32(vandq_u32(l, h)) != 0
    }
}

super::entry_points!(float32x4_t, int16x8_t, 10, #[target_feature(enable = "neon")]);

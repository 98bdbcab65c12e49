//! x86-64's baseline.

// Every function is unsafe as a whole, by the contract of its trait.
#![allow(unsafe_op_in_unsafe_fn)]

use super::{Lanes, Samples};
use std::arch::x86_64::*;

impl Lanes for __m128 {
    const N: usize = 4;

    #[inline(always)]
    unsafe fn zero() -> Self {
        _mm_setzero_ps()
    }
    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        _mm_set1_ps(value)
    }
    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        _mm_loadu_ps(from)
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        _mm_storeu_ps(to, self);
    }
    #[inline(always)]
    unsafe fn widen(from: *const i16) -> Self {
        let samples = _mm_loadl_epi64(from.cast());
        _mm_cvtepi32_ps(_mm_srai_epi32::<16>(_mm_unpacklo_epi16(samples, samples)))
    }
    #[inline(always)]
    unsafe fn deal_two([a, b]: [Self; 2]) -> [Self; 2] {
        [_mm_shuffle_ps::<0x88>(a, b), _mm_shuffle_ps::<0xdd>(a, b)]
    }
    #[inline(always)]
    unsafe fn deal_three([a, b, c]: [Self; 3]) -> [Self; 3] {
        let first = _mm_shuffle_ps::<0x5a>(b, c); // b2 b2 c1 c1
        let middle = _mm_shuffle_ps::<0x05>(a, b); // a1 a1 b0 b0
        let middle_end = _mm_shuffle_ps::<0xaf>(b, c); // b3 b3 c2 c2
        let last = _mm_shuffle_ps::<0x5a>(a, b); // a2 a2 b1 b1
        [
            _mm_shuffle_ps::<0x8c>(a, first),           // a0 a3 b2 c1
            _mm_shuffle_ps::<0x88>(middle, middle_end), // a1 b0 b3 c2
            _mm_shuffle_ps::<0xc8>(last, c),            // a2 b1 c0 c3
        ]
    }
    #[inline(always)]
    unsafe fn mul_add(self, factor: Self, sum: Self) -> Self {
        _mm_add_ps(_mm_mul_ps(self, factor), sum)
    }
    #[inline(always)]
    unsafe fn sum_each([a, b, c, d, e, f, g, h]: [Self; 8], to: *mut f32) {
        _mm_storeu_ps(to, sum_four([a, b, c, d]));
        _mm_storeu_ps(to.add(4), sum_four([e, f, g, h]));
    }
}

/// The sum of the elements of each of four vectors.
#[inline(always)]
unsafe fn sum_four([mut a, mut b, mut c, mut d]: [__m128; 4]) -> __m128 {
    _MM_TRANSPOSE4_PS(&mut a, &mut b, &mut c, &mut d);
    _mm_add_ps(_mm_add_ps(a, b), _mm_add_ps(c, d))
}

impl Samples for __m128i {
    const N: usize = 8;
    type Sums = [__m128i; 2];

    #[inline(always)]
    unsafe fn load(from: *const i16) -> Self {
        _mm_loadu_si128(from.cast())
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut i16) {
        _mm_storeu_si128(to.cast(), self);
    }
    #[inline(always)]
    unsafe fn splat(value: i16) -> Self {
        _mm_set1_epi16(value)
    }
    #[inline(always)]
    unsafe fn wrapping_add(self, other: Self) -> Self {
        _mm_add_epi16(self, other)
    }
    #[inline(always)]
    unsafe fn shift_right(self, bits: u32) -> Self {
        _mm_sra_epi16(self, _mm_set_epi64x(0, i64::from(bits)))
    }
    #[inline(always)]
    unsafe fn within(self, low: Self, high: Self) -> bool {
        let outside = _mm_or_si128(_mm_cmpgt_epi16(low, self), _mm_cmpgt_epi16(self, high));
        _mm_movemask_epi8(outside) == 0
    }
    #[inline(always)]
    unsafe fn saturating_sub(self, other: Self) -> Self {
        _mm_subs_epi16(self, other)
    }
    #[inline(always)]
    unsafe fn zero() -> Self::Sums {
        [_mm_setzero_si128(); 2]
    }
    #[inline(always)]
    unsafe fn add([low, high]: Self::Sums, samples: Self) -> Self::Sums {
        let [l, h] = widen(samples);
        [_mm_add_epi32(low, l), _mm_add_epi32(high, h)]
    }
    #[inline(always)]
    unsafe fn sub([low, high]: Self::Sums, samples: Self) -> Self::Sums {
        let [l, h] = widen(samples);
        [_mm_sub_epi32(low, l), _mm_sub_epi32(high, h)]
    }
    #[inline(always)]
    unsafe fn narrow([low, high]: Self::Sums) -> Self {
        _mm_packs_epi32(low, high)
    }
    #[inline(always)]
    unsafe fn exact([low, high]: Self::Sums, narrowed: Self) -> bool {
        let [l, h] = widen(narrowed);
        let equal = _mm_and_si128(_mm_cmpeq_epi32(low, l), _mm_cmpeq_epi32(high, h));
        _mm_movemask_epi8(equal) == 0xffff
    }
}

/// Sign extension: each sample over its copy, then shifted down.
#[inline(always)]
unsafe fn widen(samples: __m128i) -> [__m128i; 2] {
    [
        _mm_srai_epi32::<16>(_mm_unpacklo_epi16(samples, samples)),
        _mm_srai_epi32::<16>(_mm_unpackhi_epi16(samples, samples)),
    ]
}

super::entry_points!(__m128, __m128i, 10, #[target_feature(enable = "sse2")]);

//! AVX2 and FMA.

// Every function is unsafe as a whole, by the contract of its trait.
#![allow(unsafe_op_in_unsafe_fn)]

use super::{Lanes, Samples};
use std::arch::x86_64::*;

impl Lanes for __m256 {
    const N: usize = 8;

    #[inline(always)]
    unsafe fn zero() -> Self {
        _mm256_setzero_ps()
    }
    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        _mm256_set1_ps(value)
    }
    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        _mm256_loadu_ps(from)
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        _mm256_storeu_ps(to, self);
    }
    #[inline(always)]
    unsafe fn widen(from: *const i16) -> Self {
        _mm256_cvtepi32_ps(_mm256_cvtepi16_epi32(_mm_loadu_si128(from.cast())))
    }
    #[inline(always)]
    unsafe fn deal_two([a, b]: [Self; 2]) -> [Self; 2] {
        let even = _mm256_castps_pd(_mm256_shuffle_ps::<0x88>(a, b));
        let odd = _mm256_castps_pd(_mm256_shuffle_ps::<0xdd>(a, b));
        [
            _mm256_castpd_ps(_mm256_permute4x64_pd::<0xd8>(even)),
            _mm256_castpd_ps(_mm256_permute4x64_pd::<0xd8>(odd)),
        ]
    }
    #[inline(always)]
    unsafe fn deal_three([a, b, c]: [Self; 3]) -> [Self; 3] {
        // Three is odd: no two elements of a plane share a lane, so blending collects them all.
        let first = _mm256_blend_ps::<0x24>(_mm256_blend_ps::<0x92>(a, b), c);
        let second = _mm256_blend_ps::<0x49>(_mm256_blend_ps::<0x24>(a, b), c);
        let third = _mm256_blend_ps::<0x92>(_mm256_blend_ps::<0x49>(a, b), c);
        [
            _mm256_permutevar8x32_ps(first, _mm256_setr_epi32(0, 3, 6, 1, 4, 7, 2, 5)),
            _mm256_permutevar8x32_ps(second, _mm256_setr_epi32(1, 4, 7, 2, 5, 0, 3, 6)),
            _mm256_permutevar8x32_ps(third, _mm256_setr_epi32(2, 5, 0, 3, 6, 1, 4, 7)),
        ]
    }
    #[inline(always)]
    unsafe fn mul_add(self, factor: Self, sum: Self) -> Self {
        _mm256_fmadd_ps(self, factor, sum)
    }
    #[inline(always)]
    unsafe fn sum_each(vectors: [Self; 8], to: *mut f32) {
        _mm256_storeu_ps(to, sum_eight(vectors));
    }
}

/// The sum of the elements of each of eight vectors.
#[inline(always)]
pub(super) unsafe fn sum_eight([a, b, c, d, e, f, g, h]: [__m256; 8]) -> __m256 {
    let low = _mm256_hadd_ps(_mm256_hadd_ps(a, b), _mm256_hadd_ps(c, d));
    let high = _mm256_hadd_ps(_mm256_hadd_ps(e, f), _mm256_hadd_ps(g, h));
    let first = _mm256_permute2f128_ps::<0x20>(low, high);
    let second = _mm256_permute2f128_ps::<0x31>(low, high);
    _mm256_add_ps(first, second)
}

impl Samples for __m256i {
    const N: usize = 16;
    type Sums = [__m256i; 2];

    #[inline(always)]
    unsafe fn load(from: *const i16) -> Self {
        _mm256_loadu_si256(from.cast())
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut i16) {
        _mm256_storeu_si256(to.cast(), self);
    }
    #[inline(always)]
    unsafe fn splat(value: i16) -> Self {
        _mm256_set1_epi16(value)
    }
    #[inline(always)]
    unsafe fn wrapping_add(self, other: Self) -> Self {
        _mm256_add_epi16(self, other)
    }
    #[inline(always)]
    unsafe fn shift_right(self, bits: u32) -> Self {
        _mm256_sra_epi16(self, _mm_set_epi64x(0, i64::from(bits)))
    }
    #[inline(always)]
    unsafe fn within(self, low: Self, high: Self) -> bool {
        let outside =
            _mm256_or_si256(_mm256_cmpgt_epi16(low, self), _mm256_cmpgt_epi16(self, high));
        _mm256_testz_si256(outside, outside) == 1
    }
    #[inline(always)]
    unsafe fn saturating_sub(self, other: Self) -> Self {
        _mm256_subs_epi16(self, other)
    }
    #[inline(always)]
    unsafe fn zero() -> Self::Sums {
        [_mm256_setzero_si256(); 2]
    }
    #[inline(always)]
    unsafe fn add([low, high]: Self::Sums, samples: Self) -> Self::Sums {
        let [l, h] = widen(samples);
        [_mm256_add_epi32(low, l), _mm256_add_epi32(high, h)]
    }
    #[inline(always)]
    unsafe fn sub([low, high]: Self::Sums, samples: Self) -> Self::Sums {
        let [l, h] = widen(samples);
        [_mm256_sub_epi32(low, l), _mm256_sub_epi32(high, h)]
    }
    #[inline(always)]
    unsafe fn narrow([low, high]: Self::Sums) -> Self {
        _mm256_packs_epi32(low, high)
    }
    #[inline(always)]
    unsafe fn exact([low, high]: Self::Sums, narrowed: Self) -> bool {
        let [l, h] = widen(narrowed);
        let equal = _mm256_and_si256(_mm256_cmpeq_epi32(low, l), _mm256_cmpeq_epi32(high, h));
        _mm256_movemask_epi8(equal) == -1
    }
}

/// Sign extension within each half, in the order that `_mm256_packs_epi32` turns round again.
#[inline(always)]
unsafe fn widen(samples: __m256i) -> [__m256i; 2] {
    [
        _mm256_srai_epi32::<16>(_mm256_unpacklo_epi16(samples, samples)),
        _mm256_srai_epi32::<16>(_mm256_unpackhi_epi16(samples, samples)),
    ]
}

super::entry_points!(__m256, __m256i, 10, #[target_feature(enable = "avx2,fma")]);

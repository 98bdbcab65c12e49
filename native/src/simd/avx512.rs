//! AVX-512 (F, BW, VL). Its 32 registers hold a whole 20 ms chunk at 16 kHz.

// Every function is unsafe as a whole, by the contract of its trait.
#![allow(unsafe_op_in_unsafe_fn)]
// `build.rs` compiles this file from Rust 1.89 on only.
#![allow(clippy::incompatible_msrv)]

use super::{Lanes, Samples};
use std::arch::x86_64::*;

impl Lanes for __m512 {
    const N: usize = 16;

    #[inline(always)]
    unsafe fn zero() -> Self {
        _mm512_setzero_ps()
    }
    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        _mm512_set1_ps(value)
    }
    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        _mm512_loadu_ps(from)
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        _mm512_storeu_ps(to, self);
    }
    #[inline(always)]
    unsafe fn widen(from: *const i16) -> Self {
        _mm512_cvtepi32_ps(_mm512_cvtepi16_epi32(_mm256_loadu_si256(from.cast())))
    }
    #[inline(always)]
    unsafe fn deal_two([a, b]: [Self; 2]) -> [Self; 2] {
        let even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
        let odd = _mm512_add_epi32(even, _mm512_set1_epi32(1));
        [_mm512_permutex2var_ps(a, even, b), _mm512_permutex2var_ps(a, odd, b)]
    }
    #[inline(always)]
    unsafe fn deal_three([a, b, c]: [Self; 3]) -> [Self; 3] {
        // Indices from 16 on are the second operand's: first a and b, then what c adds at the end.
        let first = _mm512_setr_epi32(0, 3, 6, 9, 12, 15, 18, 21, 24, 27, 30, 0, 0, 0, 0, 0);
        let second = _mm512_setr_epi32(1, 4, 7, 10, 13, 16, 19, 22, 25, 28, 31, 0, 0, 0, 0, 0);
        let third = _mm512_setr_epi32(2, 5, 8, 11, 14, 17, 20, 23, 26, 29, 0, 0, 0, 0, 0, 0);
        let add_first = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 17, 20, 23, 26, 29);
        let add_second = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 18, 21, 24, 27, 30);
        let add_third = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 16, 19, 22, 25, 28, 31);
        [
            _mm512_permutex2var_ps(_mm512_permutex2var_ps(a, first, b), add_first, c),
            _mm512_permutex2var_ps(_mm512_permutex2var_ps(a, second, b), add_second, c),
            _mm512_permutex2var_ps(_mm512_permutex2var_ps(a, third, b), add_third, c),
        ]
    }
    #[inline(always)]
    unsafe fn mul_add(self, factor: Self, sum: Self) -> Self {
        _mm512_fmadd_ps(self, factor, sum)
    }
    #[inline(always)]
    unsafe fn sum_each(vectors: [Self; 8], to: *mut f32) {
        let mut folded = [_mm256_setzero_ps(); 8];
        for (folded, vector) in folded.iter_mut().zip(vectors) {
            let high = _mm512_castps512_ps256(_mm512_shuffle_f32x4::<0x0e>(vector, vector));
            *folded = _mm256_add_ps(_mm512_castps512_ps256(vector), high);
        }
        _mm256_storeu_ps(to, super::avx2::sum_eight(folded));
    }
}

impl Samples for __m512i {
    const N: usize = 32;
    type Sums = [__m512i; 2];

    #[inline(always)]
    unsafe fn load(from: *const i16) -> Self {
        _mm512_loadu_si512(from.cast())
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut i16) {
        _mm512_storeu_si512(to.cast(), self);
    }
    #[inline(always)]
    unsafe fn splat(value: i16) -> Self {
        _mm512_set1_epi16(value)
    }
    #[inline(always)]
    unsafe fn wrapping_add(self, other: Self) -> Self {
        _mm512_add_epi16(self, other)
    }
    #[inline(always)]
    unsafe fn shift_right(self, bits: u32) -> Self {
        _mm512_sra_epi16(self, _mm_set_epi64x(0, i64::from(bits)))
    }
    #[inline(always)]
    unsafe fn within(self, low: Self, high: Self) -> bool {
        _mm512_cmplt_epi16_mask(self, low) | _mm512_cmpgt_epi16_mask(self, high) == 0
    }
    #[inline(always)]
    unsafe fn saturating_sub(self, other: Self) -> Self {
        _mm512_subs_epi16(self, other)
    }
    #[inline(always)]
    unsafe fn zero() -> Self::Sums {
        [_mm512_setzero_si512(); 2]
    }
    #[inline(always)]
    unsafe fn add([low, high]: Self::Sums, samples: Self) -> Self::Sums {
        let [l, h] = widen(samples);
        [_mm512_add_epi32(low, l), _mm512_add_epi32(high, h)]
    }
    #[inline(always)]
    unsafe fn sub([low, high]: Self::Sums, samples: Self) -> Self::Sums {
        let [l, h] = widen(samples);
        [_mm512_sub_epi32(low, l), _mm512_sub_epi32(high, h)]
    }
    #[inline(always)]
    unsafe fn narrow([low, high]: Self::Sums) -> Self {
        _mm512_packs_epi32(low, high)
    }
    #[inline(always)]
    unsafe fn exact([low, high]: Self::Sums, narrowed: Self) -> bool {
        let [l, h] = widen(narrowed);
        _mm512_cmpneq_epi32_mask(low, l) | _mm512_cmpneq_epi32_mask(high, h) == 0
    }
}

/// Sign extension within each quarter, in the order that `_mm512_packs_epi32` turns round again.
#[inline(always)]
unsafe fn widen(samples: __m512i) -> [__m512i; 2] {
    [
        _mm512_srai_epi32::<16>(_mm512_unpacklo_epi16(samples, samples)),
        _mm512_srai_epi32::<16>(_mm512_unpackhi_epi16(samples, samples)),
    ]
}

super::entry_points!(
    __m512,
    __m512i,
    20,
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx2,fma")]
);

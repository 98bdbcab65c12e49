//! The most multiply-adds a nanosecond that this machine does, for each instruction set: what bounds
//! a filter. One JSON object.

#![allow(clippy::incompatible_msrv)] // Only who develops this measures it.

use std::hint::black_box;
use std::time::Instant;

const ROUNDS: u64 = 100_000;

/// Defines a loop of independent multiply-adds, and its rate in multiply-adds a nanosecond.
#[cfg(target_arch = "x86_64")]
macro_rules! peak {
    ($name:ident, $feature:literal, $lanes:literal, $splat:ident, $step:expr) => {
        #[target_feature(enable = $feature)]
        unsafe fn $name() -> f64 {
            use std::arch::x86_64::*;
            let factor = black_box($splat(0.5));
            let mut sums = [black_box($splat(1.0)); 10];
            let start = Instant::now();
            for _ in 0..ROUNDS {
                for sum in &mut sums {
                    *sum = $step(factor, factor, *sum);
                }
            }
            let elapsed = start.elapsed().as_secs_f64() * 1e9;
            black_box(sums);
            (ROUNDS * 10 * $lanes) as f64 / elapsed
        }
    };
}

#[cfg(target_arch = "x86_64")]
mod measured {
    use super::*;

    peak!(sse2, "sse2", 4, _mm_set1_ps, |a, b, c| _mm_add_ps(_mm_mul_ps(a, b), c));
    peak!(avx2, "avx2,fma", 8, _mm256_set1_ps, |a, b, c| _mm256_fmadd_ps(a, b, c));
    peak!(avx512, "avx512f", 16, _mm512_set1_ps, |a, b, c| _mm512_fmadd_ps(a, b, c));

    pub fn all() -> Vec<(&'static str, f64)> {
        let best = |run: fn() -> f64| (0..30).map(|_| run()).fold(0.0, f64::max);
        let mut found = Vec::new();
        // SAFETY: each is called only where its instructions were found.
        unsafe {
            found.push(("sse2", best(|| sse2())));
            if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                found.push(("avx2", best(|| avx2())));
            }
            if is_x86_feature_detected!("avx512f") {
                found.push(("avx512", best(|| avx512())));
            }
        }
        found
    }
}

#[cfg(not(target_arch = "x86_64"))]
mod measured {
    pub fn all() -> Vec<(&'static str, f64)> {
        black_box(Vec::new())
    }
}

fn main() {
    let fields: Vec<String> =
        measured::all().iter().map(|(isa, rate)| format!(r#""{isa}":{rate:.1}"#)).collect();
    println!("{{{}}}", fields.join(","));
}

//! The arithmetic, and the instruction sets that it is compiled for.
//!
//! [`convolve`], [`mod@dense`] and [`sum`] are written once over [`Lanes`] and [`Samples`]; the files named after
//! an instruction set say what a vector is there. An [`Isa`] can only be had where the machine has
//! it, which makes calling the compiled code sound.

// Generic code takes on the instructions of the entry point that it is inlined into.
#![allow(clippy::inline_always)]
// Intrinsics come by the dozen, and so do vectors without a meaning of their own.
#![allow(clippy::wildcard_imports, clippy::many_single_char_names)]

mod convolve;
mod dense;
mod portable;
mod sum;

#[cfg(all(target_arch = "x86_64", not(miri)))]
mod avx2;
#[cfg(all(target_arch = "x86_64", not(miri), ringline_avx512))]
mod avx512;
#[cfg(all(target_arch = "aarch64", not(miri)))]
mod neon;
#[cfg(all(target_arch = "x86_64", not(miri)))]
mod sse2;
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
mod wasm;

pub use dense::Dense;

use crate::table::Table;

/// A block of one channel, to be converted.
pub struct Job<'a> {
    /// The filter.
    pub table: &'a Table,
    /// The history and, after it, the block.
    pub line: &'a [i16],
    /// Where the first output lies after the history, in steps of 1 / up.
    pub position: usize,
    /// How many outputs there are.
    pub outputs: usize,
    /// How far apart outputs stand in the result: the channels.
    pub stride: usize,
    /// Where the first of them stands: the channel.
    pub offset: usize,
}

/// Rows to be mixed.
pub struct Rows<'a> {
    /// One row after the other.
    pub block: &'a [i16],
    /// How many there are.
    pub count: usize,
    /// Samples in a row.
    pub frames: usize,
}

/// An instruction set that this machine has.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Isa(Kind);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Portable,
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    Sse2,
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    Avx2,
    #[cfg(all(target_arch = "x86_64", not(miri), ringline_avx512))]
    Avx512,
    #[cfg(all(target_arch = "aarch64", not(miri)))]
    Neon,
    #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
    Wasm,
}

impl std::fmt::Debug for Isa {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl Isa {
    /// Plain Rust: the fallback, and the twin that tests can run.
    pub const PORTABLE: Self = Self(Kind::Portable);

    /// All that this machine has, the fastest first.
    #[must_use]
    pub fn available() -> Vec<Self> {
        let mut kinds = Vec::new();
        #[cfg(all(target_arch = "x86_64", not(miri)))]
        {
            let avx2 =
                std::is_x86_feature_detected!("avx2") && std::is_x86_feature_detected!("fma");
            #[cfg(ringline_avx512)]
            if avx2
                && std::is_x86_feature_detected!("avx512f")
                && std::is_x86_feature_detected!("avx512bw")
                && std::is_x86_feature_detected!("avx512vl")
            {
                kinds.push(Kind::Avx512);
            }
            if avx2 {
                kinds.push(Kind::Avx2);
            }
            // Part of x86-64 itself.
            kinds.push(Kind::Sse2);
        }
        #[cfg(all(target_arch = "aarch64", not(miri)))]
        kinds.push(Kind::Neon); // Part of AArch64 itself.
        #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
        kinds.push(Kind::Wasm);
        kinds.push(Kind::Portable);
        kinds.into_iter().map(Self).collect()
    }

    /// The fastest that this machine has.
    #[must_use]
    pub fn best() -> Self {
        Self::available()[0]
    }

    /// The code on the C ABI: never reused, 0 is none.
    #[must_use]
    pub fn code(self) -> u32 {
        match self.0 {
            Kind::Portable => 1,
            #[cfg(all(target_arch = "x86_64", not(miri)))]
            Kind::Sse2 => 2,
            #[cfg(all(target_arch = "x86_64", not(miri)))]
            Kind::Avx2 => 3,
            #[cfg(all(target_arch = "x86_64", not(miri), ringline_avx512))]
            Kind::Avx512 => 4,
            #[cfg(all(target_arch = "aarch64", not(miri)))]
            Kind::Neon => 5,
            #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
            Kind::Wasm => 6,
        }
    }

    /// `f32` in a vector.
    #[must_use]
    pub fn lanes(self) -> usize {
        match self.0 {
            #[cfg(all(target_arch = "x86_64", not(miri)))]
            Kind::Avx2 => 8,
            #[cfg(all(target_arch = "x86_64", not(miri), ringline_avx512))]
            Kind::Avx512 => 16,
            _ => 4,
        }
    }
}

/// Calls the named function of the module that was compiled for an instruction set.
macro_rules! dispatch {
    ($isa:expr, $function:ident($($argument:expr),* $(,)?)) => {
        // SAFETY: an `Isa` exists only for instructions that this machine has.
        unsafe {
            match $isa.0 {
                Kind::Portable => portable::$function($($argument),*),
                #[cfg(all(target_arch = "x86_64", not(miri)))]
                Kind::Sse2 => sse2::$function($($argument),*),
                #[cfg(all(target_arch = "x86_64", not(miri)))]
                Kind::Avx2 => avx2::$function($($argument),*),
                #[cfg(all(target_arch = "x86_64", not(miri), ringline_avx512))]
                Kind::Avx512 => avx512::$function($($argument),*),
                #[cfg(all(target_arch = "aarch64", not(miri)))]
                Kind::Neon => neon::$function($($argument),*),
                #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
                Kind::Wasm => wasm::$function($($argument),*),
            }
        }
    };
}

/// Converts a block of one channel into every `stride`-th sample of `output`.
///
/// # Panics
/// When the table is laid out for other vectors, or a slice is too short for the job.
pub fn resample(
    isa: Isa,
    job: &Job,
    planes: &mut Vec<f32>,
    sums: &mut Vec<f32>,
    output: &mut [i16],
) {
    assert_eq!(job.table.lanes, isa.lanes());
    if job.outputs > 0 {
        dispatch!(isa, resample(job, planes, sums, output));
    }
}

/// Writes the saturated sum of all rows.
///
/// # Panics
/// When a slice is too short.
pub fn mix(isa: Isa, rows: &Rows, output: &mut [i16]) {
    assert!(rows.block.len() >= rows.count * rows.frames && output.len() >= rows.frames);
    dispatch!(isa, mix(rows, output));
}

/// Writes for each row the saturated sum of the others and, if `total` says so, the sum of all in a
/// row more.
///
/// # Panics
/// When a slice is too short.
pub fn mix_minus(isa: Isa, rows: &Rows, output: &mut [i16], total: bool) {
    let out_rows = rows.count + usize::from(total);
    assert!(rows.block.len() >= rows.count * rows.frames);
    assert!(output.len() >= out_rows * rows.frames);
    dispatch!(isa, mix_minus(rows, output, total));
}

/// Writes the outputs of a layer of a network, row by row.
///
/// # Panics
/// When a slice does not fit the others.
pub fn dense(isa: Isa, layer: &Dense, output: &mut [f32]) {
    assert!(layer.fits(output));
    dispatch!(isa, dense(layer, output));
}

/// A vector of `f32`.
///
/// # Safety
/// Of every method: the machine has the instructions of the implementing type, and pointers are
/// valid for a whole vector; they need no alignment beyond that of their element.
pub(crate) trait Lanes: Copy {
    const N: usize;
    unsafe fn zero() -> Self;
    unsafe fn splat(value: f32) -> Self;
    unsafe fn load(from: *const f32) -> Self;
    unsafe fn store(self, to: *mut f32);
    /// Samples as f32.
    unsafe fn widen(from: *const i16) -> Self;
    /// Every second element of two vectors in a row: the first of each pair, then the others.
    unsafe fn deal_two(pair: [Self; 2]) -> [Self; 2];
    /// Every third element of three vectors in a row.
    unsafe fn deal_three(three: [Self; 3]) -> [Self; 3];
    /// `self * factor + sum`, rounded once or twice.
    unsafe fn mul_add(self, factor: Self, sum: Self) -> Self;
    /// Writes the sum of the elements of each of eight vectors, all in the same order.
    unsafe fn sum_each(vectors: [Self; 8], to: *mut f32);
}

/// A vector of `i16`.
///
/// # Safety
/// Of every method: as with [`Lanes`].
pub(crate) trait Samples: Copy {
    const N: usize;
    /// Whether sums in i16 are tried first. Not in WebAssembly: as its code is compiled today, they
    /// take three times as long there.
    const SHORT_SUMS: bool = true;
    /// As many `i32`.
    type Sums: Copy;
    unsafe fn load(from: *const i16) -> Self;
    unsafe fn store(self, to: *mut i16);
    unsafe fn splat(value: i16) -> Self;
    unsafe fn wrapping_add(self, other: Self) -> Self;
    unsafe fn saturating_sub(self, other: Self) -> Self;
    /// Divided by 2 to the `bits`, rounded down.
    unsafe fn shift_right(self, bits: u32) -> Self;
    /// Whether all elements are from `low` to `high`.
    unsafe fn within(self, low: Self, high: Self) -> bool;
    unsafe fn zero() -> Self::Sums;
    unsafe fn add(sums: Self::Sums, samples: Self) -> Self::Sums;
    unsafe fn sub(sums: Self::Sums, samples: Self) -> Self::Sums;
    /// Saturates.
    unsafe fn narrow(sums: Self::Sums) -> Self;
    /// Whether `narrowed` still says what `sums` says.
    unsafe fn exact(sums: Self::Sums, narrowed: Self) -> bool;
}

/// Defines the four entry points of an instruction set.
macro_rules! entry_points {
    ($lanes:ty, $samples:ty, $tile:literal, $(#[$feature:meta])*) => {
        /// # Safety
        /// The machine has the instructions of this module.
        $(#[$feature])*
        pub(super) unsafe fn resample(
            job: &super::Job,
            planes: &mut Vec<f32>,
            sums: &mut Vec<f32>,
            output: &mut [i16],
        ) {
            // SAFETY: the caller's promise.
            unsafe { super::convolve::resample::<$lanes, $tile>(job, planes, sums, output) }
        }

        /// # Safety
        /// The machine has the instructions of this module; slices are as long as `rows` says.
        $(#[$feature])*
        pub(super) unsafe fn mix(rows: &super::Rows, output: &mut [i16]) {
            // SAFETY: the caller's promise.
            unsafe { super::sum::mix::<$samples>(rows, output) }
        }

        /// # Safety
        /// The machine has the instructions of this module; slices are as long as `rows` says.
        $(#[$feature])*
        pub(super) unsafe fn mix_minus(rows: &super::Rows, output: &mut [i16], total: bool) {
            // SAFETY: the caller's promise.
            unsafe { super::sum::mix_minus::<$samples>(rows, output, total) }
        }

        /// # Safety
        /// The machine has the instructions of this module; the layer fits the output.
        $(#[$feature])*
        pub(super) unsafe fn dense(layer: &super::Dense, output: &mut [f32]) {
            // SAFETY: the caller's promise.
            unsafe { super::dense::dense::<$lanes>(layer, output) }
        }
    };
}
pub(crate) use entry_points;

//! Resampling, mixing and voice activity detection for many streams together: 16-bit samples in
//! and out, f32 inside.
//!
//! A resampler is one Kaiser-windowed sinc ([`design`]), split into phases and laid out for the
//! vector width at hand ([`table`]). A stream owns its last few milliseconds of input and a
//! position ([`resampler`]); all streams of a thread share tables and scratch, which
//! keeps a hundred of them in cache. Mixing sums in i32 and saturates once ([`mix`]). Detecting speech
//! ([`detector`]) is a network of its own ([`silero`]).
//!
//! The arithmetic is written once over the [`simd::Lanes`] trait, and compiled for each instruction
//! set: the order of the additions belonging to an output never depends on where the input was cut
//! into chunks or in which lane the output is computed, so neither do the samples.
//!
//! `unsafe` lives in [`ffi`] (the C ABI) and in `simd` (the instructions) only.

#![deny(unsafe_op_in_unsafe_fn, clippy::undocumented_unsafe_blocks)]
#![warn(missing_docs, clippy::pedantic)]

pub mod design;
pub mod detector;
pub mod error;
pub mod ffi;
pub mod handles;
pub mod mix;
pub mod resampler;
pub mod silero;
pub mod simd;
pub mod table;

pub use error::Error;
pub use resampler::Resampler;
pub use simd::Isa;

//! The kernels without the ABI in between, beside what bounds them. One JSON object a line.

#![allow(clippy::incompatible_msrv)] // Only who develops this measures it.

use ringline_audio::design::{ratio, Filter};
use ringline_audio::mix::{self, Listeners};
use ringline_audio::resampler::{Resampler, Scratch};
use ringline_audio::silero::Silero;
use ringline_audio::simd::Rows;
use ringline_audio::table::Table;
use ringline_audio::Isa;
use std::hint::black_box;
use std::rc::Rc;
use std::time::Instant;

const REPETITIONS: usize = 15;

/// The least time of one call, in nanoseconds: the machine's noise only ever adds.
fn least(calls: usize, mut run: impl FnMut()) -> f64 {
    let mut best = f64::INFINITY;
    for _ in 0..REPETITIONS {
        let start = Instant::now();
        (0..calls).for_each(|_| run());
        best = best.min(start.elapsed().as_secs_f64() * 1e9 / calls as f64);
    }
    best
}

fn main() {
    let noise: Vec<i16> = (0..960_u32).map(|n| (n.wrapping_mul(40_503) >> 3) as i16).collect();
    for (input_rate, output_rate) in [
        (48_000, 16_000),
        (16_000, 48_000),
        (24_000, 48_000),
        (48_000, 24_000),
        (44_100, 48_000),
        (48_000, 44_100),
        (8_000, 16_000),
    ] {
        let (up, down) = ratio(input_rate, output_rate).unwrap();
        let filter = Filter::new(up, down).unwrap();
        let input = &noise[..input_rate as usize / 50];
        for isa in Isa::available() {
            let table = Rc::new(Table::new(&filter, isa.lanes()));
            let mut scratch = Scratch::default();
            for streams in [1, 100] {
                let mut resamplers: Vec<_> = (0..streams)
                    .map(|_| Resampler::new(Rc::clone(&table), isa, 1).unwrap())
                    .collect();
                let mut output = vec![0; 2_000];
                let mut next = 0;
                let nanoseconds = least(1_000, || {
                    next = (next + 1) % streams;
                    let resampler = &mut resamplers[next];
                    black_box(resampler.process(&mut scratch, black_box(input), &mut output))
                        .unwrap();
                });
                println!(
                    r#"{{"what":"resample","isa":"{isa:?}","input":{input_rate},"output":{output_rate},"streams":{streams},"ns":{nanoseconds:.0}}}"#
                );
            }
        }
    }
    for count in [2, 8, 32, 128] {
        // Quiet enough that a sum does not clip, as people are.
        let block: Vec<i16> =
            (0..count).flat_map(|_| noise.iter().map(|&s| s / (count + 1) as i16)).collect();
        let mut output = vec![0; (count + 1) * 960];
        let copy = least(300, || output[..block.len()].copy_from_slice(black_box(&block)));
        println!(r#"{{"what":"memcpy","rows":{count},"ns":{copy:.0}}}"#);
        let rows = Rows { block: &block, count, frames: 960 };
        for isa in Isa::available() {
            for listeners in [Listeners::All, Listeners::Others] {
                let mut scratch = Vec::new();
                let ns = least(300, || {
                    mix::mix(isa, black_box(&rows), None, listeners, &mut scratch, &mut output)
                        .unwrap();
                });
                println!(
                    r#"{{"what":"mix","isa":"{isa:?}","listeners":"{listeners:?}","rows":{count},"ns":{ns:.0}}}"#
                );
            }
        }
    }
    let frame: [i16; 512] = std::array::from_fn(|n| noise[n]);
    for isa in Isa::available() {
        let mut network = Silero::new(isa);
        let ns = least(100, || {
            black_box(network.predict(black_box(&frame)));
        });
        println!(r#"{{"what":"detect","isa":"{isa:?}","ns":{ns:.0}}}"#);
    }
}

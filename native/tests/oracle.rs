//! Every instruction set against plain arithmetic in f64.

use ringline_audio::design::{ratio, Filter};
use ringline_audio::mix::{self, Gains, Listeners};
use ringline_audio::resampler::{Resampler, Scratch};
use ringline_audio::simd::Rows;
use ringline_audio::table::Table;
use ringline_audio::{Error, Isa};
use std::rc::Rc;

const RATES: [u32; 7] = [8_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000];

struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % limit
    }

    fn samples(&mut self, count: usize) -> Vec<i16> {
        (0..count).map(|_| (self.below(65_536) as i32 - 32_768) as i16).collect()
    }
}

fn filter(input_rate: u32, output_rate: u32) -> Filter {
    let (up, down) = ratio(input_rate, output_rate).unwrap();
    Filter::new(up, down).unwrap()
}

/// All of `input` and its tail, computed one output at a time.
fn oracle(filter: &Filter, input: &[i16]) -> Vec<i16> {
    let end = input.len() * filter.up + filter.delay;
    let outputs = end.div_ceil(filter.down);
    let convert = |n: usize| {
        let (newest, phase) = (n * filter.down / filter.up, n * filter.down % filter.up);
        let row = &filter.rows[phase * filter.taps..][..filter.taps];
        let sum: f64 = row
            .iter()
            .rev()
            .enumerate()
            .filter_map(|(age, &factor)| {
                let sample = *input.get(newest.checked_sub(age)?)?;
                Some(f64::from(factor) * f64::from(sample))
            })
            .sum();
        sum.round().clamp(-32_768.0, 32_767.0) as i16
    };
    (0..outputs).map(convert).collect()
}

fn run(
    isa: Isa,
    filter: &Filter,
    channels: usize,
    input: &[i16],
    mut next: impl FnMut() -> usize,
) -> Vec<i16> {
    let table = Rc::new(Table::new(filter, isa.lanes()));
    let mut resampler = Resampler::new(table, isa, channels as u32).unwrap();
    let mut scratch = Scratch::default();
    let room = resampler.max_output_frames(input.len() / channels) + resampler.tail_frames() + 999;
    let mut output = vec![0; room * channels + 99_999];
    let (mut written, mut rest) = (0, input);
    while !rest.is_empty() {
        let (chunk, after) = rest.split_at((next() * channels).min(rest.len()));
        let at = written * channels;
        written += resampler.process(&mut scratch, chunk, &mut output[at..]).unwrap();
        rest = after;
    }
    written += resampler.flush(&mut scratch, &mut output[written * channels..]).unwrap();
    output.truncate(written * channels);
    output
}

fn assert_close(a: &[i16], b: &[i16], what: &str) {
    assert_eq!(a.len(), b.len(), "{what}");
    for (index, (a, b)) in a.iter().zip(b).enumerate() {
        assert!((i32::from(*a) - i32::from(*b)).abs() <= 1, "{what}: {a} and {b} at {index}");
    }
}

/// Miri takes minutes for what takes milliseconds.
const FRAMES: usize = if cfg!(miri) { 97 } else { 3_001 };

fn pairs() -> Vec<(u32, u32)> {
    if cfg!(miri) {
        return vec![(48_000, 16_000), (16_000, 48_000), (48_000, 32_000), (22_050, 24_000)];
    }
    let all = RATES.iter().flat_map(|&a| RATES.iter().map(move |&b| (a, b)));
    all.filter(|(a, b)| a != b).collect()
}

#[test]
fn every_instruction_set_equals_the_oracle_within_one_lsb() {
    let mut random = Random(1);
    for (input_rate, output_rate) in pairs() {
        let filter = filter(input_rate, output_rate);
        let vectors = [
            random.samples(FRAMES),
            (0..FRAMES).map(|n| if n / 50 % 2 == 0 { i16::MAX } else { i16::MIN }).collect(),
            vec![0; FRAMES],
            (0..FRAMES).map(|n| if n < FRAMES / 2 { 0 } else { i16::MAX }).collect(),
        ];
        for input in vectors {
            let expected = oracle(&filter, &input);
            for isa in Isa::available() {
                let output = run(isa, &filter, 1, &input, || 960);
                assert_close(&output, &expected, &format!("{isa:?} {input_rate} {output_rate}"));
            }
        }
    }
}

#[test]
fn where_the_input_is_cut_makes_no_difference_and_stereo_is_twice_mono() {
    let mut random = Random(2);
    for (input_rate, output_rate) in pairs() {
        let filter = filter(input_rate, output_rate);
        let input = random.samples(FRAMES * 2);
        let side = |side| input.iter().skip(side).step_by(2).copied().collect::<Vec<_>>();
        for isa in Isa::available() {
            let whole = run(isa, &filter, 2, &input, || FRAMES);
            let cut = run(isa, &filter, 2, &input, || random.below(400));
            assert!(whole == cut, "{isa:?} {input_rate} {output_rate}");
            for channel in 0..2 {
                let mono = run(isa, &filter, 1, &side(channel), || 1 + random.below(2_000));
                let of_stereo = whole.iter().skip(channel).step_by(2).copied();
                assert!(mono.into_iter().eq(of_stereo), "{isa:?} {input_rate} {output_rate}");
            }
        }
    }
}

#[test]
fn mixing_is_exact_on_every_instruction_set() {
    let mut random = Random(3);
    for count in [0, 1, 2, 3, 8, 33] {
        for frames in [0, 1, 7, 31, 160, 321, 960] {
            let loud = random.below(2) == 0;
            let block: Vec<i16> = random
                .samples(count * frames)
                .into_iter()
                .map(|sample| if loud { sample } else { sample / 64 })
                .collect();
            assert_mixed_exactly(&block, count, frames);
        }
    }
}

/// Mixes in every way, and compares with sums of enough bits.
fn assert_mixed_exactly(block: &[i16], count: usize, frames: usize) {
    let rows = Rows { block, count, frames };
    let total = |at: usize| (0..count).map(|row| i32::from(block[row * frames + at])).sum::<i32>();
    let saturate = |sum: i32| sum.clamp(-32_768, 32_767) as i16;
    let mut expected: Vec<i16> =
        (0..count * frames).map(|at| saturate(total(at % frames) - i32::from(block[at]))).collect();
    expected.extend((0..frames).map(|at| saturate(total(at))));
    for isa in Isa::available() {
        let mut scratch = Vec::new();
        let mut output = vec![7; (count + 1) * frames + 1];
        let listeners = Listeners::OthersAndAll;
        mix::mix(isa, &rows, None, listeners, &mut scratch, &mut output).unwrap();
        assert_eq!(output.pop(), Some(7), "nothing is written past the end");
        assert!(output == expected, "{isa:?} {count} {frames}");
        let mut all = vec![7; frames];
        mix::mix(isa, &rows, None, Listeners::All, &mut scratch, &mut all).unwrap();
        assert!(all[..] == expected[count * frames..]);
        // Gains that only nearly are 1 take the other way to the same result.
        let (mut from, to) = (vec![1.0; count], vec![1.0; count]);
        if let Some(gain) = from.first_mut() {
            *gain = 1.0 + f32::EPSILON;
        }
        let gains = Some(Gains { from: &from, to: &to });
        mix::mix(isa, &rows, gains, listeners, &mut scratch, &mut output).unwrap();
        assert!(output == expected, "{isa:?} {count} {frames} with gains");
    }
}

#[test]
fn sums_that_just_fit_or_just_do_not_are_exact() {
    let mut random = Random(5);
    for count in [1, 2, 3, 8, 32, 33, 128, 129, 182, 300] {
        for loudest in [200, 32_767 - 2 * count, 32_767 + count] {
            let frames = 160;
            let mut block: Vec<i16> =
                random.samples(count * frames).into_iter().map(|sample| sample / 512).collect();
            for at in 0..frames {
                let others: i32 = (1..count).map(|row| i32::from(block[row * frames + at])).sum();
                // Alone among quiet ones: it must not depend on them.
                let alone = random.below(32) == 0;
                let total = if alone { loudest + random.below(2 * count) } else { 100 } as i32;
                let total = if random.below(2) == 0 { total } else { -total };
                block[at] = (total - others).clamp(-32_768, 32_767) as i16;
            }
            assert_mixed_exactly(&block, count, frames);
        }
    }
}

#[test]
fn wrong_lengths_and_gains_are_refused() {
    let isa = Isa::best();
    let block = [0; 6];
    let mut output = [7; 6];
    let mut run = |count, frames, gains: Option<&[f32]>| {
        let rows = Rows { block: &block, count, frames };
        let gains = gains.map(|gains| Gains { from: gains, to: gains });
        mix::mix(isa, &rows, gains, Listeners::Others, &mut Vec::new(), &mut output)
    };
    assert_eq!(run(3, 3, None), Err(Error::Length));
    assert_eq!(run(usize::MAX, usize::MAX, None), Err(Error::Length));
    assert_eq!(run(1_025, 0, None), Err(Error::Length));
    assert_eq!(run(2, 3, Some(&[1.0])), Err(Error::Length));
    for gain in [-1.0, f32::NAN, f32::INFINITY, 32.1] {
        assert_eq!(run(2, 3, Some(&[1.0, gain])), Err(Error::Gain));
    }
    assert_eq!(output, [7; 6]);

    let filter = filter(48_000, 16_000);
    let table = Rc::new(Table::new(&filter, isa.lanes()));
    assert!(Resampler::new(Rc::clone(&table), isa, 3).is_err());
    let mut resampler = Resampler::new(table, isa, 2).unwrap();
    let mut scratch = Scratch::default();
    assert_eq!(resampler.process(&mut scratch, &[0; 3], &mut [0; 99]), Err(Error::Length));
    assert_eq!(resampler.process(&mut scratch, &[0; 12], &mut [0; 3]), Err(Error::Length));
    assert_eq!(resampler.flush(&mut scratch, &mut [0; 3]), Err(Error::Length));
}

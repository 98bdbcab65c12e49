//! Every export of the C ABI with what callers should not pass: wrong lengths, null, odd
//! addresses, absurd rates, closed handles. Nothing may crash, and nothing may be written outside of
//! what was handed over. Runs for `RINGLINE_FUZZ_SECONDS`, or one.

use ringline_audio::ffi;
use std::time::{Duration, Instant};

const GUARD: i16 = 0x5a5a;

struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, limit: u32) -> u32 {
        (self.next() >> 11) as u32 % limit
    }

    fn one_in(&mut self, n: u32) -> bool {
        self.below(n) == 0
    }

    /// Mostly sensible, sometimes absurd.
    fn rate(&mut self) -> u32 {
        match self.below(12) {
            0 => self.next() as u32,
            1 => 0,
            2 => u32::MAX,
            3 => 383_999,
            4 => 1_000 + self.below(383_001),
            n => [8_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000][n as usize - 5],
        }
    }

    fn length(&mut self) -> u32 {
        let most = if self.one_in(10) { 9_000 } else { 300 };
        self.below(most)
    }
}

/// Samples between guards, handed over as a pointer and a length that may both be wrong, but never
/// claim more memory than there is.
struct Samples {
    memory: Vec<i16>,
    length: u32,
    shift: usize,
    null: bool,
}

impl Samples {
    fn new(random: &mut Random, length: u32) -> Self {
        let mut memory = vec![GUARD; length as usize + 16];
        for sample in &mut memory[8..8 + length as usize] {
            *sample = random.next() as i16;
        }
        Self { memory, length, shift: usize::from(random.one_in(40)), null: random.one_in(40) }
    }

    fn pointer(&mut self) -> *mut i16 {
        if self.null {
            return std::ptr::null_mut();
        }
        // Within the guards even when it is odd.
        self.memory[8..].as_mut_ptr().cast::<u8>().wrapping_add(self.shift).cast()
    }

    fn assert_guards(&self) {
        let end = 8 + self.length as usize;
        assert!(self.memory[..8].iter().chain(&self.memory[end..]).all(|&guard| guard == GUARD));
    }
}

fn one_call(random: &mut Random, handles: &mut Vec<u32>) {
    let handle = match random.below(8) {
        0 => random.next() as u32,
        1 => 0,
        _ if handles.is_empty() => 1,
        _ => handles[random.below(handles.len() as u32) as usize],
    };
    let (length, out_length) = (random.length(), random.length());
    let mut input = Samples::new(random, length);
    let mut output = Samples::new(random, out_length);
    let offset = if random.one_in(8) { random.next() as u32 } else { random.below(4) };
    // SAFETY: pointers are null or valid for the lengths beside them; that is all that is promised.
    unsafe {
        match random.below(9) {
            0 | 1 => {
                let mut info = [0; 6];
                let info_length = random.below(7);
                let isa = if random.one_in(4) { random.below(9) } else { 0 };
                let channels =
                    if random.one_in(6) { random.next() as u32 } else { 1 + random.below(2) };
                let pointer =
                    if random.one_in(20) { std::ptr::null_mut() } else { info.as_mut_ptr() };
                let (from, to) = (random.rate(), random.rate());
                // Large tables take their time to design: a few of them will do.
                if (from % 50 != 0 || to % 50 != 0) && !random.one_in(200) {
                    return;
                }
                let status = ffi::rl_resampler_new(isa, from, to, channels, pointer, info_length);
                if status == 0 {
                    handles.push(info[0]);
                }
            }
            2..=4 => {
                let status = ffi::rl_resampler_process(
                    handle,
                    input.pointer(),
                    length,
                    output.pointer(),
                    out_length,
                    offset,
                );
                assert!(status != ringline_audio::Error::Panic as i32);
            }
            5 => {
                let status = ffi::rl_resampler_flush(handle, output.pointer(), out_length, offset);
                assert!(status != ringline_audio::Error::Panic as i32);
                ffi::rl_resampler_history(handle, output.pointer(), out_length);
            }
            6 => {
                ffi::rl_resampler_reset(handle);
                if random.one_in(3) {
                    // Freed handles stay in the list: they are used and freed again.
                    ffi::rl_resampler_free(handle);
                }
            }
            _ => {
                let count = if random.one_in(10) { random.next() as u32 } else { random.below(9) };
                let frames =
                    if random.one_in(10) { random.next() as u32 } else { random.below(70) };
                let gains: Vec<f32> =
                    (0..random.below(9)).map(|_| f32::from_bits(random.next() as u32)).collect();
                let level: Vec<f32> = (0..random.below(9)).map(|_| 0.7).collect();
                let gains = if random.one_in(3) { &gains } else { &level };
                let status = ffi::rl_mix(
                    0,
                    input.pointer(),
                    length,
                    count,
                    frames,
                    output.pointer(),
                    out_length,
                    random.below(4),
                    gains.as_ptr(),
                    gains.len() as u32,
                    level.as_ptr(),
                    level.len() as u32,
                );
                assert!(status != ringline_audio::Error::Panic as i32);
            }
        }
        if random.one_in(50) {
            // The same memory as input and output.
            let status =
                ffi::rl_resampler_process(handle, output.pointer(), 1, output.pointer(), 1, 0);
            assert!(status < 0 || out_length == 0);
        }
    }
    input.assert_guards();
    output.assert_guards();
}

#[test]
fn no_export_crashes_or_writes_where_it_must_not() {
    let seconds = std::env::var("RINGLINE_FUZZ_SECONDS").ok().and_then(|text| text.parse().ok());
    let end = Instant::now() + Duration::from_secs(seconds.unwrap_or(1));
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut calls = 0_u64;
    while Instant::now() < end {
        let mut handles = Vec::new();
        for _ in 0..2_000 {
            one_call(&mut random, &mut handles);
            calls += 1;
            if Instant::now() >= end {
                break;
            }
        }
        for handle in handles {
            // SAFETY: a number is all there is to it.
            unsafe { ffi::rl_resampler_free(handle) };
        }
        // SAFETY: no pointers.
        assert_eq!(unsafe { ffi::rl_open_resamplers() }, 0);
    }
    println!("{calls} calls");
}

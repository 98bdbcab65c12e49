//! Polyphase filtering over vectors of any width. [`crate::table`] says how.

use super::{Job, Lanes};
use crate::table::{Group, Layout, Phase, GROUP, NEIGHBOURS};

/// Phases and planes of the largest ratio that is computed with outputs in the lanes.
const SMALL: usize = 8;

/// Adding this to an f32 below 2^22 leaves its nearest even whole number in the low bits.
const ROUND: f32 = 12_582_912.0;
const ROUND_BITS: i32 = 0x4b40_0000;

/// Converts a block with tiles of `TILE` vectors of outputs.
///
/// # Safety
/// The machine has the instructions of `V`.
#[inline(always)]
pub(crate) unsafe fn resample<V: Lanes, const TILE: usize>(
    job: &Job,
    planes: &mut Vec<f32>,
    sums: &mut Vec<f32>,
    output: &mut [i16],
) {
    // SAFETY: the caller's promise.
    unsafe {
        match &job.table.layout {
            Layout::Planes { phases, coefficients } => {
                outputs_in_lanes::<V, TILE>(job, phases, coefficients, planes, sums, output);
            }
            Layout::Rows { width, spread, inverse, rows } => {
                let cycles = Cycles::new(job, *width, *spread, *inverse);
                taps_in_lanes::<V>(job, &cycles, rows, planes, sums, output);
            }
        }
    }
}

#[inline(always)]
unsafe fn outputs_in_lanes<V: Lanes, const TILE: usize>(
    job: &Job,
    phases: &[Phase],
    coefficients: &[f32],
    planes: &mut Vec<f32>,
    sums: &mut Vec<f32>,
    output: &mut [i16],
) {
    let (up, down) = (job.table.up, job.table.down);
    // The last vector of outputs reads up to a vector past the last input.
    let plane = job.line.len() / down + 1 + V::N;
    grow(planes, plane * down);
    // SAFETY: the machine has the instructions of `V`: the caller's promise.
    unsafe { split::<V>(job.line, planes, plane, down) };
    // For two or three phases all results are computed before any is written: side by side, not each
    // into every second or third sample.
    let together = up > 1 && up <= 3 && job.stride == 1;
    let most = job.outputs.div_ceil(up) + V::N;
    grow(sums, if together { up * most } else { most });

    for residue in 0..up.min(job.outputs) {
        let at = job.position + residue * down;
        let newest = at / up + job.table.history;
        let count = (job.outputs - residue).div_ceil(up);
        let Phase { groups, reaches } = &phases[at % up];
        let mut starts = [0; SMALL];
        for (branch, start) in starts.iter_mut().enumerate().take(down) {
            let index = newest.saturating_sub(branch);
            *start = index % down * plane + index / down;
        }
        let vectors = count.div_ceil(V::N);
        // All reads of the groups lie in the planes, and their coefficients in the table.
        for (branch, reach) in reaches {
            assert!(starts[*branch] >= reach.back);
            let end = starts[*branch] - reach.back + reach.end;
            assert!(end + (vectors - 1) * V::N <= planes.len());
        }
        let sums = &mut sums[if together { residue * most } else { 0 }..][..most];
        assert!(vectors * V::N <= sums.len());

        let mut done = 0;
        // SAFETY: the assertions above, for every vector below `vectors`.
        unsafe {
            let mut tile = Tile { groups, coefficients, starts, planes, sums };
            while vectors - done >= TILE {
                tile.run::<V, TILE>(done);
                done += TILE;
            }
            while vectors - done >= 4 {
                tile.run::<V, 4>(done);
                done += 4;
            }
            while vectors > done {
                tile.run::<V, 1>(done);
                done += 1;
            }
        }
        if !together {
            let first = job.offset + residue * job.stride;
            emit(&sums[..count], &mut output[first..], up * job.stride);
        }
    }
    if together {
        let output = &mut output[job.offset..][..job.outputs];
        match up {
            2 => emit_two(sums, most, output),
            _ => emit_three(sums, most, output),
        }
    }
}

struct Tile<'a> {
    groups: &'a [Group],
    coefficients: &'a [f32],
    starts: [usize; SMALL],
    planes: &'a [f32],
    sums: &'a mut [f32],
}

impl Tile<'_> {
    /// Computes `J` vectors of outputs from number `first` on.
    ///
    /// # Safety
    /// The groups' reads and the results lie in their slices; the machine has `V`'s instructions.
    #[inline(always)]
    unsafe fn run<V: Lanes, const J: usize>(&mut self, first: usize) {
        // SAFETY: the caller's promise.
        unsafe {
            let mut sums = [V::zero(); J];
            for group in self.groups {
                let index = self.starts[group.branch] - group.back + first * V::N;
                let data = self.planes.as_ptr().add(index);
                let factors = self.coefficients.as_ptr().add(group.start);
                match group.count {
                    4 => apply::<V, J, 4>(&mut sums, data, factors),
                    3 => apply::<V, J, 3>(&mut sums, data, factors),
                    2 => apply::<V, J, 2>(&mut sums, data, factors),
                    _ => apply::<V, J, 1>(&mut sums, data, factors),
                }
            }
            for (index, &sum) in sums.iter().enumerate() {
                sum.store(self.sums.as_mut_ptr().add((first + index) * V::N));
            }
        }
    }
}

/// Adds `C` coefficients, a vector apart, times the data to `J` vectors of outputs: output `j` takes
/// coefficient `c` times vector `j + c`, so that each vector is loaded once for all of them.
///
/// # Safety
/// `data` is valid for `J + C - 1` vectors, `factors` for `C` elements.
#[inline(always)]
unsafe fn apply<V: Lanes, const J: usize, const C: usize>(
    sums: &mut [V; J],
    data: *const f32,
    factors: *const f32,
) {
    // SAFETY: the caller's promise.
    unsafe {
        let mut factor = [V::zero(); GROUP];
        for (c, factor) in factor.iter_mut().enumerate().take(C) {
            *factor = V::splat(*factors.add(c));
        }
        // Written out, since the sums stay in registers only where every index is a constant.
        macro_rules! vector {
            ($($index:literal)*) => {$(
                if $index < J + C - 1 {
                    let vector = V::load(data.add($index * V::N));
                    product!(vector, $index, 0);
                    product!(vector, $index, 1);
                    product!(vector, $index, 2);
                    product!(vector, $index, 3);
                }
            )*};
        }
        macro_rules! product {
            ($vector:ident, $index:literal, $c:literal) => {
                let at = usize::wrapping_sub($index, $c);
                if $c < C && at < J {
                    sums[at] = $vector.mul_add(factor[$c], sums[at]);
                }
            };
        }
        vector!(0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22);
    }
}

/// Cycles that use each loaded vector of coefficients: registers for eight sums are everywhere.
const TOGETHER: usize = 8 / NEIGHBOURS;

/// Where the outputs of a block lie in the cycles of their phases.
struct Cycles {
    up: usize,
    down: usize,
    width: usize,
    /// Elements before the first input that are read and not used.
    before: usize,
    /// Outputs of the first cycle that lie before the block.
    skipped: usize,
    /// Where the input of the first cycle begins, but for what the skipped outputs have passed.
    start: usize,
    passed: usize,
    outputs: usize,
}

impl Cycles {
    #[inline(always)]
    fn new(job: &Job, width: usize, spread: usize, inverse: usize) -> Self {
        let (up, down) = (job.table.up, job.table.down);
        let skipped = job.position % up * inverse % up;
        let passed = skipped * down / up;
        let start = spread + job.position / up;
        Self { up, down, width, before: spread, skipped, start, passed, outputs: job.outputs }
    }

    /// The cycles in which any of the outputs from number `first` on, below `end`, is in the block.
    #[inline(always)]
    fn range(&self, first: usize, end: usize) -> std::ops::Range<usize> {
        let behind = self.skipped + self.outputs;
        let end_cycle = behind.saturating_sub(first).div_ceil(self.up);
        usize::from(end <= self.skipped)..end_cycle
    }

    /// Where the data of the group that begins with output `first` begins in `cycle`.
    #[inline(always)]
    fn data(&self, first: usize, cycle: usize) -> usize {
        self.start + cycle * self.down + first * self.down / self.up - self.passed
    }
}

#[inline(always)]
unsafe fn taps_in_lanes<V: Lanes>(
    job: &Job,
    cycles: &Cycles,
    rows: &[f32],
    line: &mut Vec<f32>,
    sums: &mut Vec<f32>,
    output: &mut [i16],
) {
    let &Cycles { up, down, width, before, skipped, .. } = cycles;
    let length = job.line.len();
    // Whatever lies before and after: a group reads a little more than its members need, times 0.
    grow(line, before + length + width);
    // SAFETY: the machine has the instructions of `V`: the caller's promise.
    unsafe { split::<V>(job.line, &mut line[before..], length, 1) };
    grow(sums, job.outputs);
    let last = (job.position + (job.outputs - 1) * down) / up;
    assert!(last <= length && rows.len() >= up * width && width % V::N == 0);

    for first in (0..up).step_by(NEIGHBOURS) {
        let end = up.min(first + NEIGHBOURS);
        let range = cycles.range(first, end);
        let factors = &rows[first * width..][..NEIGHBOURS * width];
        for cycle in range.clone().step_by(TOGETHER) {
            let mut totals = [[0.0; NEIGHBOURS]; TOGETHER];
            // SAFETY: a group with an output in the block starts at most `before` before it, and not
            // behind `last`; its width and all its coefficients follow.
            unsafe {
                let mut data = [line.as_ptr(); TOGETHER];
                for (s, data) in data.iter_mut().enumerate() {
                    *data = data.add(cycles.data(first, (cycle + s).min(range.end - 1)));
                }
                neighbours::<V>(factors, data, width, &mut totals);
            }
            for (s, totals) in totals.iter().enumerate() {
                let number = (cycle + s) * up + first;
                let inside = number >= skipped && end - first == NEIGHBOURS;
                match sums.get_mut(number.wrapping_sub(skipped)..) {
                    Some([a, b, c, d, ..]) if inside => [*a, *b, *c, *d] = *totals,
                    _ => {
                        for (number, &total) in (number..).zip(&totals[..end - first]) {
                            if let Some(sum) = sums.get_mut(number.wrapping_sub(skipped)) {
                                *sum = total;
                            }
                        }
                    }
                }
            }
        }
    }
    emit(&sums[..job.outputs], &mut output[job.offset..], job.stride);
}

/// The outputs of one group in some cycles.
///
/// # Safety
/// Each of `data` is valid for `width` elements, a whole number of vectors; there are coefficients
/// for as many; the machine has the instructions of `V`.
#[inline(always)]
unsafe fn neighbours<V: Lanes>(
    factors: &[f32],
    data: [*const f32; TOGETHER],
    width: usize,
    totals: &mut [[f32; NEIGHBOURS]; TOGETHER],
) {
    // SAFETY: the caller's promise.
    unsafe {
        let mut sums = [[V::zero(); NEIGHBOURS]; TOGETHER];
        let mut factors = factors.as_ptr();
        let mut tap = 0;
        while tap < width {
            let mut factor = [V::zero(); NEIGHBOURS];
            for (member, factor) in factor.iter_mut().enumerate() {
                *factor = V::load(factors.add(member * V::N));
            }
            for (sums, data) in sums.iter_mut().zip(data) {
                let vector = V::load(data.add(tap));
                for (sum, factor) in sums.iter_mut().zip(factor) {
                    *sum = vector.mul_add(factor, *sum);
                }
            }
            factors = factors.add(NEIGHBOURS * V::N);
            tap += V::N;
        }
        let [[a, b, c, d], [e, f, g, h]] = sums;
        V::sum_each([a, b, c, d, e, f, g, h], totals.as_mut_ptr().cast());
    }
}

/// Deals `line` out to `down` planes, as f32.
///
/// # Safety
/// The machine has the instructions of `V`.
#[inline(always)]
unsafe fn split<V: Lanes>(line: &[i16], planes: &mut [f32], plane: usize, down: usize) {
    let whole = line.len() / (down * V::N);
    assert!(down * plane <= planes.len() && whole * V::N <= plane);
    // SAFETY: the assertion; the caller's promise.
    let dealt = unsafe {
        let (from, to) = (line.as_ptr(), planes.as_mut_ptr());
        match down {
            1 => deal::<V, 1>(from, to, plane, whole),
            2 => deal::<V, 2>(from, to, plane, whole),
            3 => deal::<V, 3>(from, to, plane, whole),
            4 => deal::<V, 4>(from, to, plane, whole),
            6 => deal::<V, 6>(from, to, plane, whole),
            _ => 0,
        }
    };
    for (index, rest) in line[dealt * down..].chunks(down).enumerate() {
        for (d, &sample) in rest.iter().enumerate() {
            planes[d * plane + dealt + index] = f32::from(sample);
        }
    }
}

/// Deals `whole` times `D` vectors out to `D` planes; returns the elements that each has got.
///
/// # Safety
/// `from` is valid for all that is dealt, and `to` for `D` planes of as many; the machine has the
/// instructions of `V`.
#[inline(always)]
unsafe fn deal<V: Lanes, const D: usize>(
    from: *const i16,
    to: *mut f32,
    plane: usize,
    whole: usize,
) -> usize {
    // SAFETY: the caller's promise.
    unsafe {
        for group in 0..whole {
            let mut vectors = [V::zero(); D];
            for (d, vector) in vectors.iter_mut().enumerate() {
                *vector = V::widen(from.add((group * D + d) * V::N));
            }
            match D {
                2 => {
                    let [a, b] = V::deal_two([vectors[0], vectors[1]]);
                    (vectors[0], vectors[1]) = (a, b);
                }
                3 => {
                    let [a, b, c] = V::deal_three([vectors[0], vectors[1], vectors[2]]);
                    (vectors[0], vectors[1], vectors[2]) = (a, b, c);
                }
                4 => {
                    let [even_a, odd_a] = V::deal_two([vectors[0], vectors[1]]);
                    let [even_b, odd_b] = V::deal_two([vectors[2], vectors[3]]);
                    let [a, c] = V::deal_two([even_a, even_b]);
                    let [b, d] = V::deal_two([odd_a, odd_b]);
                    (vectors[0], vectors[1], vectors[2], vectors[3]) = (a, b, c, d);
                }
                6 => {
                    let [even_a, odd_a] = V::deal_two([vectors[0], vectors[1]]);
                    let [even_b, odd_b] = V::deal_two([vectors[2], vectors[3]]);
                    let [even_c, odd_c] = V::deal_two([vectors[4], vectors[5]]);
                    let [a, c, e] = V::deal_three([even_a, even_b, even_c]);
                    let [b, d, f] = V::deal_three([odd_a, odd_b, odd_c]);
                    (vectors[0], vectors[1], vectors[2]) = (a, b, c);
                    (vectors[3], vectors[4], vectors[5]) = (d, e, f);
                }
                _ => {}
            }
            for (d, vector) in vectors.iter().enumerate() {
                vector.store(to.add(d * plane + group * V::N));
            }
        }
    }
    whole * V::N
}

/// Rounds and saturates into every `step`-th sample.
#[inline(always)]
fn emit(sums: &[f32], output: &mut [i16], step: usize) {
    match step {
        1 => {
            for (to, &sum) in output.iter_mut().zip(sums) {
                *to = round(sum);
            }
        }
        2 => emit_each::<2>(sums, output),
        3 => emit_each::<3>(sums, output),
        4 => emit_each::<4>(sums, output),
        6 => emit_each::<6>(sums, output),
        _ => {
            for (to, &sum) in output.iter_mut().step_by(step).zip(sums) {
                *to = round(sum);
            }
        }
    }
}

/// Rounds and saturates two planes of `plane` elements, in turns.
#[inline(always)]
fn emit_two(sums: &[f32], plane: usize, output: &mut [i16]) {
    let (first, second) = sums.split_at(plane);
    let whole = output.len() / 2;
    for ((to, &a), &b) in output.chunks_exact_mut(2).zip(first).zip(second) {
        to[0] = round(a);
        to[1] = round(b);
    }
    if let [to] = output.chunks_exact_mut(2).into_remainder() {
        *to = round(first[whole]);
    }
}

/// The same with three.
#[inline(always)]
fn emit_three(sums: &[f32], plane: usize, output: &mut [i16]) {
    let (first, rest) = sums.split_at(plane);
    let (second, third) = rest.split_at(plane);
    let whole = output.len() / 3;
    let planes = first.iter().zip(second).zip(third);
    for (to, ((&a, &b), &c)) in output.chunks_exact_mut(3).zip(planes) {
        to[0] = round(a);
        to[1] = round(b);
        to[2] = round(c);
    }
    let last = [first[whole], second[whole]];
    for (to, sum) in output.chunks_exact_mut(3).into_remainder().iter_mut().zip(last) {
        *to = round(sum);
    }
}

#[inline(always)]
fn emit_each<const S: usize>(sums: &[f32], output: &mut [i16]) {
    for (to, &sum) in output.chunks_mut(S).zip(sums) {
        to[0] = round(sum);
    }
}

#[inline(always)]
#[allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap)] // Clamped; bits on purpose.
fn round(sum: f32) -> i16 {
    let whole = (sum + ROUND).to_bits() as i32 - ROUND_BITS;
    whole.max(i32::from(i16::MIN)).min(i32::from(i16::MAX)) as i16
}

#[inline(always)]
fn grow(buffer: &mut Vec<f32>, length: usize) {
    if buffer.len() < length {
        buffer.resize(length, 0.0);
    }
}

//! Polyphase filtering over vectors of any width. [`crate::table`] says how.

use super::{Job, Lanes, MAX_LANES};
use crate::table::{Group, Layout, GROUP};

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
            Layout::Rows { width, rows } => {
                taps_in_lanes::<V>(job, *width, rows, planes, sums, output);
            }
        }
    }
}

#[inline(always)]
unsafe fn outputs_in_lanes<V: Lanes, const TILE: usize>(
    job: &Job,
    phases: &[Vec<Group>],
    coefficients: &[f32],
    planes: &mut Vec<f32>,
    sums: &mut Vec<f32>,
    output: &mut [i16],
) {
    let (up, down) = (job.table.up, job.table.down);
    // The last vector of outputs reads up to a vector past the last input.
    let plane = job.line.len() / down + 1 + V::N;
    grow(planes, plane * down);
    split(job.line, planes, plane, down);
    let most = (job.outputs + up - 1) / up;
    grow(sums, most + V::N);

    for residue in 0..up.min(job.outputs) {
        let at = job.position + residue * down;
        let newest = at / up + job.table.history;
        let count = (job.outputs - residue + up - 1) / up;
        let groups = &phases[at % up];
        let mut starts = [0; SMALL];
        for (branch, start) in starts.iter_mut().enumerate().take(down) {
            let index = newest.saturating_sub(branch);
            *start = index % down * plane + index / down;
        }
        let vectors = (count + V::N - 1) / V::N;
        // All reads of this phase lie in the planes, and `Group`'s fields in the coefficients.
        for group in groups {
            let first = starts[group.branch] - group.back;
            assert!(first + (group.count - 1 + vectors) * V::N <= planes.len());
            assert!(group.start + group.count <= coefficients.len());
        }
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
        let first = job.offset + residue * job.stride;
        emit(&sums[..count], &mut output[first..], up * job.stride);
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

#[inline(always)]
unsafe fn taps_in_lanes<V: Lanes>(
    job: &Job,
    width: usize,
    rows: &[f32],
    line: &mut Vec<f32>,
    sums: &mut Vec<f32>,
    output: &mut [i16],
) {
    let (up, down) = (job.table.up, job.table.down);
    grow(line, job.line.len());
    for (to, &from) in line.iter_mut().zip(job.line) {
        *to = f32::from(from);
    }
    grow(sums, job.outputs + V::N);
    let last = (job.position + (job.outputs - 1) * down) / up;
    assert!(last + width <= line.len() && up * width <= rows.len() && width % V::N == 0);

    let (steps, carry) = (down / up, down % up);
    let (mut start, mut phase) = (job.position / up, job.position % up);
    let mut done = 0;
    while done < job.outputs {
        // SAFETY: phases are below `up`, starts at most `last`: the assertion above.
        unsafe {
            let mut vectors = [V::zero(); MAX_LANES];
            for vector in vectors.iter_mut().take(V::N.min(job.outputs - done)) {
                let row = rows.as_ptr().add(phase * width);
                let data = line.as_ptr().add(start);
                let mut sum = V::zero();
                let mut tap = 0;
                while tap < width {
                    sum = V::load(row.add(tap)).mul_add(V::load(data.add(tap)), sum);
                    tap += V::N;
                }
                *vector = sum;
                start += steps;
                phase += carry;
                if phase >= up {
                    phase -= up;
                    start += 1;
                }
            }
            V::sum_each(&vectors, sums.as_mut_ptr().add(done));
        }
        done += V::N;
    }
    emit(&sums[..job.outputs], &mut output[job.offset..], job.stride);
}

/// Deals `line` out to `down` planes, as f32.
#[inline(always)]
fn split(line: &[i16], planes: &mut [f32], plane: usize, down: usize) {
    match down {
        1 => split_into::<1>(line, planes, plane),
        2 => split_into::<2>(line, planes, plane),
        3 => split_into::<3>(line, planes, plane),
        4 => split_into::<4>(line, planes, plane),
        5 => split_into::<5>(line, planes, plane),
        6 => split_into::<6>(line, planes, plane),
        7 => split_into::<7>(line, planes, plane),
        _ => split_into::<8>(line, planes, plane),
    }
}

#[inline(always)]
fn split_into<const D: usize>(line: &[i16], planes: &mut [f32], plane: usize) {
    let whole = line.len() / D;
    let mut rest = &mut planes[..plane * D];
    for d in 0..D {
        let (to, after) = rest.split_at_mut(plane);
        for (to, from) in to[..whole].iter_mut().zip(line.chunks_exact(D)) {
            *to = f32::from(from[d]);
        }
        if let Some(&last) = line.get(whole * D + d) {
            to[whole] = f32::from(last);
        }
        rest = after;
    }
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

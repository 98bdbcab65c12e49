//! A filter laid out for a vector width.
//!
//! Ratios of small numbers are computed with **outputs in the lanes**: outputs of the same phase
//! read inputs that are `down` apart, so the input is first split into `down` planes; each of them is
//! then an ordinary convolution, whose coefficients are the same for all lanes. Coefficients that
//! lie a vector width apart use the same data vectors, so up to [`GROUP`] of them are applied to
//! each vector that is loaded: the loads, half of which cross a cache line, are no longer what
//! limits the speed. Zeros are left out.
//!
//! Other ratios (44.1 to 48 kHz has 160 phases) are computed with **taps in the lanes**. `up` outputs
//! are a cycle, which meets each phase once. [`NEIGHBOURS`] outputs of a cycle in a row need nearly
//! the same input: their coefficients are shifted to where each of them starts, so that a vector of
//! input is loaded once for all of them; and a vector of coefficients is loaded once for several
//! cycles. So it is not the loads that limit the speed.

use crate::design::Filter;

/// The most coefficients that are applied to one loaded vector.
pub const GROUP: usize = 4;

/// Outputs in a row that use each loaded vector of input, where taps are in the lanes.
pub const NEIGHBOURS: usize = 4;

/// The maximum of coefficients for vectors of `lanes`: their machines' registers hold as many.
fn group(lanes: usize) -> usize {
    if lanes == 16 {
        GROUP
    } else {
        GROUP - 1
    }
}

/// The largest `up` and `down` for outputs in the lanes.
const SMALL: usize = 8;

/// Up to [`GROUP`] coefficients of a phase, a vector width apart.
#[derive(Clone, Copy, Debug)]
pub struct Group {
    /// Which input it starts from, counted back from the newest of an output: below `down`.
    pub branch: usize,
    /// How many elements before that input's place in its plane the first vector begins.
    pub back: usize,
    /// Where its coefficients stand in [`Layout::Planes::coefficients`].
    pub start: usize,
    /// How many there are.
    pub count: usize,
}

/// How far the groups of a branch reach, for one check instead of one for each group.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reach {
    /// The largest [`Group::back`].
    pub back: usize,
    /// How far the groups read for one vector of outputs, counted from [`Reach::back`] on.
    pub end: usize,
}

/// One phase.
#[derive(Debug, Default)]
pub struct Phase {
    /// All its coefficients.
    pub groups: Vec<Group>,
    /// For each branch that has any.
    pub reaches: Vec<(usize, Reach)>,
}

/// Where the coefficients are.
pub enum Layout {
    /// Outputs in the lanes.
    Planes {
        /// For each phase its groups.
        phases: Vec<Phase>,
        /// The coefficients of all groups.
        coefficients: Vec<f32>,
    },
    /// Taps in the lanes.
    Rows {
        /// How much input a group of neighbours spans: a whole number of vectors.
        width: usize,
        /// How far its last member starts after its first, at most.
        spread: usize,
        /// Outputs from one of a phase to one of the next: `down * inverse` is 1 modulo `up`.
        inverse: usize,
        /// For each group and each vector of its span a vector of coefficients of each member.
        rows: Vec<f32>,
    },
}

/// The table that all streams of one ratio share.
pub struct Table {
    /// Phases.
    pub up: usize,
    /// Input frames that `up` outputs advance.
    pub down: usize,
    /// The delay, in steps of 1 / (up * input rate).
    pub delay: usize,
    /// Input frames before the newest that an output may need.
    pub history: usize,
    /// The vector width of its layout.
    pub lanes: usize,
    /// The coefficients.
    pub layout: Layout,
}

impl Table {
    /// Lays `filter` out for vectors of `lanes` f32.
    #[must_use]
    pub fn new(filter: &Filter, lanes: usize) -> Self {
        let &Filter { up, down, taps, delay, .. } = filter;
        let layout =
            if up <= SMALL && down <= SMALL { planes(filter, lanes) } else { rows(filter, lanes) };
        let history = taps - 1;
        Self { up, down, delay, history, lanes, layout }
    }
}

fn planes(filter: &Filter, lanes: usize) -> Layout {
    let &Filter { down, taps, .. } = filter;
    let mut coefficients = Vec::new();
    let phases = filter
        .rows
        .chunks(taps)
        .map(|row| {
            let mut phase = Phase::default();
            for branch in 0..down.min(taps) {
                // Newest first in `row.iter().rev()`; here, as in the planes, oldest first.
                let mut line: Vec<f32> =
                    row.iter().rev().skip(branch).step_by(down).copied().collect();
                line.reverse();
                let newest = line.len() - 1;
                let end = line.iter().rposition(|&value| value != 0.0).map_or(0, |last| last + 1);
                let Some(first) = line.iter().position(|&value| value != 0.0) else { continue };
                for residue in first..end.min(first + lanes) {
                    let apart: Vec<usize> = (residue..end).step_by(lanes).collect();
                    // As even as can be: 7 are 3, 2 and 2, not 3, 3 and 1.
                    let parts = apart.len().div_ceil(group(lanes));
                    for part in 0..parts {
                        let group =
                            &apart[apart.len() * part / parts..apart.len() * (part + 1) / parts];
                        phase.groups.push(Group {
                            branch,
                            back: newest - group[0],
                            start: coefficients.len(),
                            count: group.len(),
                        });
                        coefficients.extend(group.iter().map(|&index| line[index]));
                    }
                }
                phase.reaches.push((branch, reach(&phase.groups, branch, lanes)));
            }
            phase
        })
        .collect();
    Layout::Planes { phases, coefficients }
}

fn reach(groups: &[Group], branch: usize, lanes: usize) -> Reach {
    let of_branch = || groups.iter().filter(|group| group.branch == branch);
    let back = of_branch().map(|group| group.back).max().unwrap_or(0);
    let ends = of_branch().map(|group| back - group.back + group.count * lanes);
    Reach { back, end: ends.max().unwrap_or(0) }
}

fn rows(filter: &Filter, lanes: usize) -> Layout {
    let &Filter { up, down, taps, .. } = filter;
    let spread = (NEIGHBOURS - 1) * down / up + 1;
    let width = (taps + spread).div_ceil(lanes) * lanes;
    let groups = up.div_ceil(NEIGHBOURS);
    let mut rows = vec![0.0; groups * NEIGHBOURS * width];
    for output in 0..up {
        let member = output % NEIGHBOURS;
        let first = output - member;
        let shift = output * down / up - first * down / up;
        let group = &mut rows[first * width..][..NEIGHBOURS * width];
        let row = &filter.rows[output * down % up * taps..][..taps];
        for (index, &value) in row.iter().enumerate() {
            let (vector, lane) = ((index + shift) / lanes, (index + shift) % lanes);
            group[(vector * NEIGHBOURS + member) * lanes + lane] = value;
        }
    }
    let inverse = (0..up).find(|n| n * down % up == 1 % up).unwrap_or(0);
    Layout::Rows { width, spread, inverse, rows }
}

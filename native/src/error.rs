//! The errors of a call.

/// Why a call was rejected. The discriminants are the status codes of the C ABI.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub enum Error {
    /// A pointer was null where samples were expected.
    Null = -1,
    /// A pointer was not aligned to its samples.
    Misaligned = -2,
    /// A buffer was too short, or not whole frames.
    Length = -3,
    /// A rate was out of range, or the two have no simple ratio.
    Rate = -4,
    /// The channels were neither 1 nor 2.
    Channels = -5,
    /// The handle was never returned, or is closed.
    Closed = -6,
    /// There are too many handles.
    Exhausted = -7,
    /// Two buffers overlap that must not.
    Overlap = -8,
    /// A gain was negative, too high, or no number.
    Gain = -9,
    /// The machine does not have the instruction set that was asked for.
    Isa = -10,
    /// A defect of this library: it panicked, and its result must not be used.
    Panic = -11,
}

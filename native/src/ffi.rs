//! The C ABI: every export checks its arguments, and returns a status.
//!
//! A status is 0 or a count on success, and a negative [`Error`] otherwise. All state
//! belongs to the calling thread, so that no call ever waits for a lock; a handle of one thread is
//! closed on every other.

use crate::design::{ratio, Filter};
use crate::detector::SpeechDetector;
use crate::handles::Handles;
use crate::mix::{self, Gains, Listeners};
use crate::resampler::{Resampler, Scratch};
use crate::simd::{Isa, Rows};
use crate::table::Table;
use crate::Error;
use std::cell::RefCell;
use std::mem::{align_of, size_of};
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::rc::Rc;
use std::slice;

/// Changes with every change of a signature or of a call's meaning.
pub const ABI_VERSION: u32 = 2;

/// Tables kept for reuse; a program uses a handful of ratios.
const MAX_TABLES: usize = 32;

struct State {
    /// The instruction sets of this machine, the fastest first.
    isas: Vec<Isa>,
    handles: Handles<Resampler>,
    detectors: Handles<SpeechDetector>,
    tables: Vec<Rc<Table>>,
    scratch: Scratch,
    contributions: Vec<i32>,
}

impl State {
    /// The instruction set with a code; 0 is the fastest.
    fn isa(&self, code: u32) -> Result<Isa, Error> {
        let found = self.isas.iter().find(|isa| code == 0 || isa.code() == code);
        found.copied().ok_or(Error::Isa)
    }

    fn table(
        &mut self,
        input_rate: u32,
        output_rate: u32,
        lanes: usize,
    ) -> Result<Rc<Table>, Error> {
        let (up, down) = ratio(input_rate, output_rate)?;
        let known = |table: &&Rc<Table>| (table.up, table.down, table.lanes) == (up, down, lanes);
        if let Some(table) = self.tables.iter().find(known) {
            return Ok(Rc::clone(table));
        }
        let table = Rc::new(Table::new(&Filter::new(up, down)?, lanes));
        if self.tables.len() == MAX_TABLES {
            self.tables.remove(0);
        }
        self.tables.push(Rc::clone(&table));
        Ok(table)
    }
}

thread_local! {
    static STATE: RefCell<State> = RefCell::new(State {
        isas: Isa::available(),
        handles: Handles::new(),
        detectors: Handles::new(),
        tables: Vec::new(),
        scratch: Scratch::default(),
        contributions: Vec::new(),
    });
}

/// Runs a body with the thread's state; no panic in it crosses the ABI.
fn guard(body: impl FnOnce(&mut State) -> Result<usize, Error>) -> i32 {
    let result = catch_unwind(AssertUnwindSafe(|| {
        STATE.try_with(|state| {
            let mut state = state.try_borrow_mut().map_err(|_| Error::Panic)?;
            body(&mut state)
        })
    }));
    let result = match result {
        Ok(Ok(result)) => result,
        // The thread is ending, or the body panicked.
        Ok(Err(_)) | Err(_) => Err(Error::Panic),
    };
    match result {
        Ok(count) => i32::try_from(count).unwrap_or(Error::Length as i32),
        Err(error) => error as i32,
    }
}

/// Returns an input of the caller as a slice; one without elements may be null.
///
/// # Safety
/// `pointer` is null, or valid for reads of `length` elements for as long as the call lasts.
unsafe fn input<'a, T>(pointer: *const T, length: u32) -> Result<&'a [T], Error> {
    let length = check(pointer, length)?;
    if length == 0 {
        return Ok(&[]);
    }
    // SAFETY: not null, aligned, no longer than an allocation can be, and valid: the caller's promise.
    Ok(unsafe { slice::from_raw_parts(pointer, length) })
}

/// Returns an output of the caller as a slice; one without elements may be null.
///
/// # Safety
/// `pointer` is null, or valid for writes of `length` elements for as long as the call lasts, and
/// [`disjoint`] from everything else that is read.
unsafe fn output<'a, T>(pointer: *mut T, length: u32) -> Result<&'a mut [T], Error> {
    let length = check(pointer, length)?;
    if length == 0 {
        return Ok(&mut []);
    }
    // SAFETY: not null, aligned, no longer than an allocation can be, and valid: the caller's promise.
    Ok(unsafe { slice::from_raw_parts_mut(pointer, length) })
}

fn check<T>(pointer: *const T, length: u32) -> Result<usize, Error> {
    let length = usize::try_from(length).map_err(|_| Error::Length)?;
    if length == 0 {
        return Ok(0);
    }
    if pointer.is_null() {
        return Err(Error::Null);
    }
    if !(pointer as usize).is_multiple_of(align_of::<T>()) {
        return Err(Error::Misaligned);
    }
    let bytes = length.checked_mul(size_of::<T>()).ok_or(Error::Length)?;
    if bytes > isize::MAX as usize || (pointer as usize).checked_add(bytes).is_none() {
        return Err(Error::Length);
    }
    Ok(length)
}

/// Rejects an output that overlaps an input.
fn disjoint<A, B>(a: (*const A, u32), b: (*const B, u32)) -> Result<(), Error> {
    let range = |start: usize, length: u32, size: usize| {
        (start, start.saturating_add((length as usize).saturating_mul(size)))
    };
    let a = range(a.0 as usize, a.1, size_of::<A>());
    let b = range(b.0 as usize, b.1, size_of::<B>());
    if a.0 < b.1 && b.0 < a.1 {
        Err(Error::Overlap)
    } else {
        Ok(())
    }
}

/// Defines the exports: each is a body over the thread's state, behind [`guard`].
macro_rules! exports {
    ($(
        $(#[$meta:meta])*
        fn $name:ident($state:ident $(, $argument:ident: $type:ty)* $(,)?) $body:block
    )*) => {$(
        $(#[$meta])*
        ///
        /// # Safety
        /// Each pointer is null or valid for as many elements as the length beside it says, for as
        /// long as the call lasts.
        #[no_mangle]
        #[allow(clippy::too_many_arguments)]
        pub unsafe extern "C" fn $name($($argument: $type),*) -> i32 {
            guard(|$state: &mut State| $body)
        }
    )*};
}

/// The version of this ABI, for the caller to compare before any other call.
#[no_mangle]
pub extern "C" fn rl_abi_version() -> u32 {
    ABI_VERSION
}

exports! {
    /// The code of an instruction set ([`Isa::code`]) if this machine has it; of the best for 0.
    fn rl_isa(state, isa: u32) {
        Ok(state.isa(isa)?.code() as usize)
    }

    /// How many resamplers of this thread are open.
    fn rl_open_resamplers(state) {
        Ok(state.handles.len())
    }

    /// Creates a resampler. Writes to `info`: its handle, up, down, the delay in steps of
    /// 1 / (up * `input_rate`), and the frames of history.
    fn rl_resampler_new(
        state,
        isa: u32,
        input_rate: u32,
        output_rate: u32,
        channels: u32,
        info: *mut u32,
        info_length: u32,
    ) {
        // SAFETY: the caller's promise; nothing else is read.
        let info = unsafe { output(info, info_length)? };
        if info.len() < 5 {
            return Err(Error::Length);
        }
        let isa = state.isa(isa)?;
        let table = state.table(input_rate, output_rate, isa.lanes())?;
        let numbers = [table.up, table.down, table.delay, table.history];
        let handle = state.handles.insert(Resampler::new(table, isa, channels)?)?;
        info[0] = handle;
        for (to, from) in info[1..].iter_mut().zip(numbers) {
            *to = u32::try_from(from).map_err(|_| Error::Rate)?;
        }
        Ok(0)
    }

    /// Converts interleaved samples from sample `offset` of the output on; returns the frames
    /// written.
    fn rl_resampler_process(
        state,
        handle: u32,
        samples: *const i16,
        samples_length: u32,
        out: *mut i16,
        out_length: u32,
        offset: u32,
    ) {
        let resampler = state.handles.get(handle)?;
        disjoint((samples, samples_length), (out, out_length))?;
        // SAFETY: the caller's promise, and disjoint.
        let (samples, out) = unsafe { (input(samples, samples_length)?, output(out, out_length)?) };
        let out = out.get_mut(offset as usize..).ok_or(Error::Length)?;
        resampler.process(&mut state.scratch, samples, out)
    }

    /// Writes the filter's remaining output and starts anew; returns the frames written.
    fn rl_resampler_flush(state, handle: u32, out: *mut i16, out_length: u32, offset: u32) {
        let resampler = state.handles.get(handle)?;
        // SAFETY: the caller's promise; nothing else is read.
        let out = unsafe { output(out, out_length)? };
        let out = out.get_mut(offset as usize..).ok_or(Error::Length)?;
        resampler.flush(&mut state.scratch, out)
    }

    /// Copies the newest input, oldest first; returns the frames written.
    fn rl_resampler_history(state, handle: u32, out: *mut i16, out_length: u32) {
        let resampler = state.handles.get(handle)?;
        // SAFETY: the caller's promise; nothing else is read.
        Ok(resampler.copy_history(unsafe { output(out, out_length)? }))
    }

    /// Forgets all input.
    fn rl_resampler_reset(state, handle: u32) {
        state.handles.get(handle)?.reset();
        Ok(0)
    }

    /// Closes a resampler; its handle is invalid from here on.
    fn rl_resampler_free(state, handle: u32) {
        state.handles.remove(handle)?;
        Ok(0)
    }

    /// How many detectors of this thread are open.
    fn rl_open_detectors(state) {
        Ok(state.detectors.len())
    }

    /// Creates a detector of speech. Writes its handle to `info`.
    fn rl_detector_new(state, info: *mut u32, info_length: u32) {
        // SAFETY: the caller's promise; nothing else is read.
        let info = unsafe { output(info, info_length)? };
        let handle = info.first_mut().ok_or(Error::Length)?;
        *handle = state.detectors.insert(SpeechDetector::new())?;
        Ok(0)
    }

    /// Takes samples at 16 kHz. Writes the latest probability of speech to `probability`.
    fn rl_detector_process(
        state,
        handle: u32,
        samples: *const i16,
        samples_length: u32,
        probability: *mut f32,
        probability_length: u32,
    ) {
        let detector = state.detectors.get(handle)?;
        disjoint((samples, samples_length), (probability, probability_length))?;
        // SAFETY: the caller's promise, and disjoint.
        let (samples, probability) = unsafe {
            (input(samples, samples_length)?, output(probability, probability_length)?)
        };
        *probability.first_mut().ok_or(Error::Length)? = detector.process(samples);
        Ok(0)
    }

    /// Forgets all input.
    fn rl_detector_reset(state, handle: u32) {
        state.detectors.get(handle)?.reset();
        Ok(0)
    }

    /// Closes a detector; its handle is invalid from here on.
    fn rl_detector_free(state, handle: u32) {
        state.detectors.remove(handle)?;
        Ok(0)
    }

    /// Mixes rows. `listeners` is 0 for the sum of all, 1 for a row for each input without it, 2 for
    /// those and the sum of all in one more row. Gains of length 0 are 1 throughout; `previous_gains`
    /// of length 0 are the gains.
    fn rl_mix(
        state,
        isa: u32,
        block: *const i16,
        block_length: u32,
        count: u32,
        frames: u32,
        out: *mut i16,
        out_length: u32,
        listeners: u32,
        gains: *const f32,
        gains_length: u32,
        previous_gains: *const f32,
        previous_gains_length: u32,
    ) {
        let listeners = match listeners {
            0 => Listeners::All,
            1 => Listeners::Others,
            2 => Listeners::OthersAndAll,
            _ => return Err(Error::Length),
        };
        disjoint((block, block_length), (out, out_length))?;
        disjoint((gains, gains_length), (out, out_length))?;
        disjoint((previous_gains, previous_gains_length), (out, out_length))?;
        // SAFETY: the caller's promise, and disjoint.
        let (block, out, to, from) = unsafe {
            (
                input(block, block_length)?,
                output(out, out_length)?,
                input(gains, gains_length)?,
                input(previous_gains, previous_gains_length)?,
            )
        };
        let gains = if to.is_empty() {
            None
        } else {
            Some(Gains { from: if from.is_empty() { to } else { from }, to })
        };
        let rows = Rows { block, count: count as usize, frames: frames as usize };
        mix::mix(state.isa(isa)?, &rows, gains, listeners, &mut state.contributions, out)?;
        Ok(0)
    }
}

/// Memory for the caller's copies: on a WASM module's other side it has none of its own.
#[cfg(target_arch = "wasm32")]
mod memory {
    use std::alloc::{alloc, dealloc, Layout};

    fn layout(bytes: usize) -> Option<Layout> {
        Layout::from_size_align(bytes, 16).ok().filter(|layout| layout.size() > 0)
    }

    /// `bytes` of memory, aligned to 16; null when there is none.
    #[no_mangle]
    pub extern "C" fn rl_alloc(bytes: usize) -> *mut u8 {
        match layout(bytes) {
            // SAFETY: the layout has a size.
            Some(layout) => unsafe { alloc(layout) },
            None => std::ptr::null_mut(),
        }
    }

    /// Frees what [`rl_alloc`] returned.
    ///
    /// # Safety
    /// `pointer` comes from `rl_alloc` with the same `bytes`, and was not freed before.
    #[no_mangle]
    pub unsafe extern "C" fn rl_free(pointer: *mut u8, bytes: usize) {
        if let (false, Some(layout)) = (pointer.is_null(), layout(bytes)) {
            // SAFETY: the caller's promise.
            unsafe { dealloc(pointer, layout) }
        }
    }
}

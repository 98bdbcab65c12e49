//! rubato with i16 at its border, as our own library has: what the benchmark loads.

use rubato::audioadapter_buffers::direct::SequentialSlice;
use rubato::{
    Async, Fft, FixedAsync, FixedSync, Resampler, SincInterpolationParameters,
    SincInterpolationType, WindowFunction,
};
use std::slice;

pub struct Stream {
    inner: Box<dyn Resampler<f32>>,
    input: Vec<f32>,
    output: Vec<f32>,
}

/// A stream of chunks of `frames`; the sinc of 256 taps or the Fourier transform.
#[no_mangle]
pub extern "C" fn contender_new(
    input_rate: u32,
    output_rate: u32,
    frames: u32,
    sinc: u32,
) -> *mut Stream {
    let frames = frames as usize;
    let inner: Box<dyn Resampler<f32>> = if sinc != 0 {
        let parameters = SincInterpolationParameters {
            sinc_len: 256,
            f_cutoff: None,
            interpolation: SincInterpolationType::Linear,
            oversampling_factor: 256,
            window: WindowFunction::BlackmanHarris2,
        };
        let ratio = f64::from(output_rate) / f64::from(input_rate);
        let fixed = FixedAsync::Input;
        Box::new(Async::<f32>::new_sinc(ratio, 1.0, &parameters, frames, 1, fixed).unwrap())
    } else {
        let rates = (input_rate as usize, output_rate as usize);
        Box::new(Fft::<f32>::new(rates.0, rates.1, frames, 1, FixedSync::Input).unwrap())
    };
    let input = vec![0.0; frames];
    let output = vec![0.0; inner.output_frames_max()];
    Box::into_raw(Box::new(Stream { inner, input, output }))
}

/// # Safety
/// `stream` is open; the buffers are valid for a chunk and for what it becomes.
#[no_mangle]
pub unsafe extern "C" fn contender_process(
    stream: *mut Stream,
    input: *const i16,
    frames: u32,
    output: *mut i16,
) -> u32 {
    let Stream { inner, input: line, output: made } = &mut *stream;
    for (to, &from) in line.iter_mut().zip(slice::from_raw_parts(input, frames as usize)) {
        *to = f32::from(from) / 32_768.0;
    }
    let from = SequentialSlice::new(line, 1, line.len()).unwrap();
    let room = made.len();
    let mut to = SequentialSlice::new_mut(made, 1, room).unwrap();
    let (_, written) = inner.process_into_buffer(&from, &mut to, None).unwrap();
    let output = slice::from_raw_parts_mut(output, written);
    for (to, &from) in output.iter_mut().zip(&*made) {
        *to = (from * 32_768.0).round().clamp(-32_768.0, 32_767.0) as i16;
    }
    written as u32
}

/// # Safety
/// `stream` is open, and not used any more.
#[no_mangle]
pub unsafe extern "C" fn contender_free(stream: *mut Stream) {
    drop(Box::from_raw(stream));
}

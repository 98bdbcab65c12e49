//! Converts one stream from one rate to another.

use crate::simd::{self, Isa};
use crate::table::Table;
use crate::Error;
use std::rc::Rc;

/// Input frames of one conversion: 60 ms at 48 kHz. It bounds the scratch, whatever the input.
pub const BLOCK_FRAMES: usize = 2_880;

/// Working memory that all streams of a thread share.
#[derive(Default)]
pub struct Scratch {
    /// History and block of one channel.
    pub line: Vec<i16>,
    /// The same in f32, split into planes.
    pub planes: Vec<f32>,
    /// Results before they are rounded.
    pub sums: Vec<f32>,
}

/// A stream: its latest input and where its next output lies.
pub struct Resampler {
    table: Rc<Table>,
    isa: Isa,
    channels: usize,
    /// For each channel the newest input, oldest first.
    history: Vec<i16>,
    /// Where the next output lies after the input so far, in steps of 1 / up of an input frame.
    position: usize,
    fed: bool,
}

impl Resampler {
    /// A stream that starts in silence.
    ///
    /// # Errors
    /// [`Error::Channels`] unless `channels` is 1 or 2.
    pub fn new(table: Rc<Table>, isa: Isa, channels: u32) -> Result<Self, Error> {
        let channels = match channels {
            1 => 1,
            2 => 2,
            _ => return Err(Error::Channels),
        };
        let history = vec![0; table.history * channels];
        Ok(Self { table, isa, channels, history, position: 0, fed: false })
    }

    /// The table that it computes with.
    #[must_use]
    pub fn table(&self) -> &Table {
        &self.table
    }

    /// The maximum output of `frames` of input.
    #[must_use]
    pub fn max_output_frames(&self, frames: usize) -> usize {
        (frames * self.table.up).div_ceil(self.table.down)
    }

    /// The maximum output of [`Self::flush`].
    #[must_use]
    pub fn tail_frames(&self) -> usize {
        self.table.delay / self.table.down
    }

    /// Converts interleaved `input`; returns the frames written.
    ///
    /// # Errors
    /// [`Error::Length`] when the input is not whole frames or `output` has no room for
    /// [`Self::max_output_frames`]; nothing is consumed then.
    pub fn process(
        &mut self,
        scratch: &mut Scratch,
        input: &[i16],
        output: &mut [i16],
    ) -> Result<usize, Error> {
        let frames = input.len() / self.channels;
        if !input.len().is_multiple_of(self.channels)
            || output.len() < self.max_output_frames(frames) * self.channels
        {
            return Err(Error::Length);
        }
        self.fed |= frames > 0;
        let mut written = 0;
        for block in input.chunks(BLOCK_FRAMES * self.channels) {
            let frames = block.len() / self.channels;
            let end = frames * self.table.up;
            written +=
                self.convert(scratch, block, frames, end, &mut output[written * self.channels..]);
        }
        Ok(written)
    }

    /// Writes the filter's remaining output and starts anew; returns the frames written.
    ///
    /// # Errors
    /// [`Error::Length`] when `output` has no room for [`Self::tail_frames`].
    pub fn flush(&mut self, scratch: &mut Scratch, output: &mut [i16]) -> Result<usize, Error> {
        if output.len() < self.tail_frames() * self.channels {
            return Err(Error::Length);
        }
        let mut written = 0;
        if self.fed {
            let silence = [0; 2 * 256];
            let step = 256 * self.table.up;
            let mut left = self.table.delay;
            while left > 0 {
                let end = left.min(step);
                let block = &silence[..256 * self.channels];
                written +=
                    self.convert(scratch, block, 256, end, &mut output[written * self.channels..]);
                left -= end;
            }
        }
        self.reset();
        Ok(written)
    }

    /// Copies the newest input, interleaved, oldest first; returns the frames written.
    pub fn copy_history(&self, output: &mut [i16]) -> usize {
        let kept = self.table.history;
        let frames = kept.min(output.len() / self.channels);
        for (channel, line) in self.history.chunks(kept).enumerate() {
            let to = output.iter_mut().skip(channel).step_by(self.channels);
            for (to, &from) in to.zip(&line[kept - frames..]) {
                *to = from;
            }
        }
        frames
    }

    /// Forgets all input.
    pub fn reset(&mut self) {
        self.history.fill(0);
        self.position = 0;
        self.fed = false;
    }

    /// Writes every output that lies before `end`, in steps of 1 / up of a frame of `block`.
    fn convert(
        &mut self,
        scratch: &mut Scratch,
        block: &[i16],
        frames: usize,
        end: usize,
        output: &mut [i16],
    ) -> usize {
        let Table { up, down, history, .. } = *self.table;
        let outputs = end.saturating_sub(self.position) + down - 1;
        let outputs = outputs / down;
        let length = history + frames;
        if scratch.line.len() < length {
            scratch.line.resize(length, 0);
        }
        for (channel, kept) in self.history.chunks_mut(history).enumerate() {
            let line = &mut scratch.line[..length];
            line[..history].copy_from_slice(kept);
            if self.channels == 1 {
                line[history..].copy_from_slice(block);
            } else {
                for (to, frame) in line[history..].iter_mut().zip(block.chunks_exact(2)) {
                    *to = frame[channel];
                }
            }
            kept.copy_from_slice(&line[frames..]);
            let job = simd::Job {
                table: &self.table,
                line: &scratch.line[..length],
                position: self.position,
                outputs,
                stride: self.channels,
                offset: channel,
            };
            simd::resample(self.isa, &job, &mut scratch.planes, &mut scratch.sums, output);
        }
        // Only the end of a flush stops before the end of its block, and begins anew after it.
        self.position = (self.position + outputs * down).saturating_sub(frames * up);
        outputs
    }
}

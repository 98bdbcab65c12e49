//! Numbers that stand for resamplers and detectors on the other side of the ABI.
//!
//! A number holds a place and how often that place was used before, so that a closed number stays
//! recognizable for ever: a place whose count is used up is not used again.

use crate::Error;

const PLACE_BITS: u32 = 20;
const MAX_PLACES: usize = 1 << PLACE_BITS;
const MAX_GENERATION: u32 = (1 << (32 - PLACE_BITS)) - 1;

struct Place<T> {
    generation: u32,
    value: Option<T>,
}

/// Values, each behind a number that is never returned twice.
pub struct Handles<T> {
    places: Vec<Place<T>>,
    free: Vec<usize>,
}

impl<T> Handles<T> {
    /// No values.
    #[must_use]
    pub const fn new() -> Self {
        Self { places: Vec::new(), free: Vec::new() }
    }

    /// How many values there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.places.iter().filter(|place| place.value.is_some()).count()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Keeps a value; returns its number, which is never 0.
    ///
    /// # Errors
    /// [`Error::Exhausted`] when all numbers are used.
    pub fn insert(&mut self, value: T) -> Result<u32, Error> {
        let place = match self.free.pop() {
            Some(place) => place,
            None if self.places.len() < MAX_PLACES => {
                self.places.push(Place { generation: 0, value: None });
                self.places.len() - 1
            }
            None => return Err(Error::Exhausted),
        };
        let slot = &mut self.places[place];
        slot.generation += 1;
        slot.value = Some(value);
        let place = u32::try_from(place).map_err(|_| Error::Exhausted)?;
        Ok(slot.generation << PLACE_BITS | place)
    }

    /// The value of a number.
    ///
    /// # Errors
    /// [`Error::Closed`] when the number was never returned or is closed.
    pub fn get(&mut self, handle: u32) -> Result<&mut T, Error> {
        self.place(handle)?.value.as_mut().ok_or(Error::Closed)
    }

    /// Removes a value; its number is invalid from here on.
    ///
    /// # Errors
    /// [`Error::Closed`] when the number was never returned or is closed.
    pub fn remove(&mut self, handle: u32) -> Result<T, Error> {
        let place = self.place(handle)?;
        let value = place.value.take().ok_or(Error::Closed)?;
        if place.generation < MAX_GENERATION {
            self.free.push((handle as usize) & (MAX_PLACES - 1));
        }
        Ok(value)
    }

    fn place(&mut self, handle: u32) -> Result<&mut Place<T>, Error> {
        let place = self.places.get_mut((handle as usize) & (MAX_PLACES - 1));
        place.filter(|place| place.generation == handle >> PLACE_BITS).ok_or(Error::Closed)
    }
}

impl<T> Default for Handles<T> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_closed_number_stays_closed_when_its_place_is_used_again() {
        let mut handles = Handles::new();
        let first = handles.insert('a').unwrap();
        assert_eq!(handles.remove(first), Ok('a'));
        let second = handles.insert('b').unwrap();
        assert_ne!(first, second);
        assert_eq!(handles.get(first), Err(Error::Closed));
        assert_eq!(handles.remove(first), Err(Error::Closed));
        assert_eq!(handles.get(second), Ok(&mut 'b'));
    }

    #[test]
    fn numbers_never_come_twice_even_when_a_place_is_worn_out() {
        let mut handles = Handles::new();
        let mut seen = std::collections::HashSet::new();
        for _ in 0..10_000 {
            let handle = handles.insert(()).unwrap();
            assert!(handle != 0 && seen.insert(handle));
            handles.remove(handle).unwrap();
        }
        assert!(handles.is_empty());
    }

    #[test]
    fn numbers_that_were_never_given_out_are_closed() {
        let mut handles = Handles::<()>::new();
        for handle in [0, 1, 1 << PLACE_BITS, u32::MAX] {
            assert_eq!(handles.get(handle), Err(Error::Closed));
        }
    }
}

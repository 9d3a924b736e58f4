// SPDX-License-Identifier: Apache-2.0
//! The work, which knows nothing of Symphony.

#[derive(Debug, PartialEq)]
pub struct Counts {
    pub words: u64,
    pub characters: u64,
}

/// Words are parted by white space.
pub fn count(text: &str) -> Counts {
    Counts { words: text.split_whitespace().count() as u64, characters: text.chars().count() as u64 }
}

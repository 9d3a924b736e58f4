// SPDX-License-Identifier: Apache-2.0
//! Words of a text as SQLite's tokenizer unicode61 with `remove_diacritics 2` finds them; `search-fts` has the same in C++.

use crate::words_table::{FOLD_RUNS, WORD_RANGES};
use tantivy::tokenizer::{Token, TokenStream, Tokenizer};

/// Words are cut there, as FTS5 does.
const WORD_BYTES_MAX: usize = 32_768;

/// Of a short word. Three letters are the 40 most common words of English, and two fifths of what is written.
const PAIR_LETTERS_MAX: usize = 3;

/// What a code point becomes in a word.
enum Fold {
    Parts,
    Drops,
    Is(char),
}

fn fold(c: char) -> Fold {
    match c {
        'a'..='z' | '0'..='9' => return Fold::Is(c),
        'A'..='Z' => return Fold::Is(c.to_ascii_lowercase()),
        '\0'..='\x7f' => return Fold::Parts,
        _ => {}
    }
    let point = c as u32;
    let range = WORD_RANGES.partition_point(|(_, last)| *last < point);
    if WORD_RANGES.get(range).is_none_or(|(first, _)| point < *first) {
        return Fold::Parts;
    }
    let behind = FOLD_RUNS.partition_point(|(first, ..)| *first <= point);
    let Some((first, last, step, delta)) = behind.checked_sub(1).map(|run| FOLD_RUNS[run]) else { return Fold::Is(c) };
    if point > last || (point - first) % step != 0 {
        Fold::Is(c)
    } else if delta == 0 {
        Fold::Drops
    } else {
        Fold::Is(char::from_u32(point.wrapping_add_signed(delta)).unwrap_or(c))
    }
}

/// Walks the words of a text: where each stands in bytes, and its folded form.
pub struct WordReader<'a> {
    text: &'a str,
    at: usize,
    pub begin: usize,
    pub end: usize,
    pub folded: String,
}

impl<'a> WordReader<'a> {
    pub fn new(text: &'a str) -> WordReader<'a> {
        WordReader { text, at: 0, begin: 0, end: 0, folded: String::new() }
    }
    /// Goes to the next word; false at the end.
    pub fn advance(&mut self) -> bool {
        self.folded.clear();
        for (offset, c) in self.text[self.at..].char_indices() {
            let here = self.at + offset;
            match fold(c) {
                Fold::Parts if self.folded.is_empty() => {}
                Fold::Parts => {
                    self.at = here + c.len_utf8();
                    return true;
                }
                Fold::Drops => {
                    if !self.folded.is_empty() {
                        self.end = here + c.len_utf8();
                    }
                }
                Fold::Is(folded) => {
                    if self.folded.is_empty() {
                        self.begin = here;
                    }
                    self.end = here + c.len_utf8();
                    if self.folded.len() + folded.len_utf8() <= WORD_BYTES_MAX {
                        self.folded.push(folded);
                    }
                }
            }
        }
        self.at = self.text.len();
        !self.folded.is_empty()
    }
}

pub fn words_of(text: &str) -> Vec<String> {
    let mut reader = WordReader::new(text);
    let mut words = Vec::new();
    while reader.advance() {
        words.push(reader.folded.clone());
    }
    words
}

/// Whether two neighbours are a term of their own: both are short, as the common words of most languages are. Phrases of those would
/// else be looked for in very many documents. `search-fts` has the same rule.
pub fn is_pair(first: &str, second: &str) -> bool {
    let short = |word: &str| word.chars().nth(PAIR_LETTERS_MAX).is_none();
    short(first) && short(second)
}
/// No word has a blank.
pub fn pair_of(first: &str, second: &str) -> String {
    format!("{first} {second}")
}

/// The same for tantivy.
#[derive(Clone, Default)]
pub struct Words {
    token: Token,
}

pub struct WordStream<'a> {
    reader: WordReader<'a>,
    token: &'a mut Token,
}

impl Tokenizer for Words {
    type TokenStream<'a> = WordStream<'a>;
    fn token_stream<'a>(&'a mut self, text: &'a str) -> WordStream<'a> {
        self.token.reset();
        WordStream { reader: WordReader::new(text), token: &mut self.token }
    }
}

impl TokenStream for WordStream<'_> {
    fn advance(&mut self) -> bool {
        if !self.reader.advance() {
            return false;
        }
        self.token.position = self.token.position.wrapping_add(1);
        self.token.offset_from = self.reader.begin;
        self.token.offset_to = self.reader.end;
        self.token.text.clear();
        self.token.text.push_str(&self.reader.folded);
        true
    }
    fn token(&self) -> &Token {
        self.token
    }
    fn token_mut(&mut self) -> &mut Token {
        self.token
    }
}

/// The pairs of a text for tantivy.
#[derive(Clone, Default)]
pub struct Pairs {
    token: Token,
}

pub struct PairStream<'a> {
    reader: WordReader<'a>,
    before: String,
    token: &'a mut Token,
}

impl Tokenizer for Pairs {
    type TokenStream<'a> = PairStream<'a>;
    fn token_stream<'a>(&'a mut self, text: &'a str) -> PairStream<'a> {
        self.token.reset();
        let mut reader = WordReader::new(text);
        reader.advance();
        let before = std::mem::take(&mut reader.folded);
        PairStream { reader, before, token: &mut self.token }
    }
}

impl TokenStream for PairStream<'_> {
    fn advance(&mut self) -> bool {
        while self.reader.advance() {
            let found = is_pair(&self.before, &self.reader.folded);
            if found {
                self.token.position = self.token.position.wrapping_add(1);
                self.token.text = pair_of(&self.before, &self.reader.folded);
            }
            std::mem::swap(&mut self.before, &mut self.reader.folded);
            if found {
                return true;
            }
        }
        false
    }
    fn token(&self) -> &Token {
        self.token
    }
    fn token_mut(&mut self) -> &mut Token {
        self.token
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_know_where_they_stand() {
        let text = "  \u{c4}pfel, e\u{301}t\u{301}!";
        let mut reader = WordReader::new(text);
        assert!(reader.advance());
        assert_eq!((reader.folded.as_str(), &text[reader.begin..reader.end]), ("apfel", "\u{c4}pfel"));
        assert!(reader.advance());
        assert_eq!((reader.folded.as_str(), &text[reader.begin..reader.end]), ("et", "e\u{301}t\u{301}"));
        assert!(!reader.advance());
    }

    #[test]
    fn folding_twice_changes_nothing_more() {
        for c in '\u{1}'..='\u{10FFFF}' {
            if let Fold::Is(folded) = fold(c) {
                assert!(matches!(fold(folded), Fold::Is(same) if same == folded), "{c:?}");
            }
        }
    }

    #[test]
    fn neighbours_that_are_short_are_pairs() {
        let pairs = |text: &str| {
            let (mut pairs, mut found) = (Pairs::default(), Vec::new());
            let mut stream = pairs.token_stream(text);
            while stream.advance() {
                found.push(stream.token().text.clone());
            }
            found.join(",")
        };
        assert_eq!(pairs(""), "");
        assert_eq!(pairs("One"), "");
        assert_eq!(pairs("End of the year, and of AN age"), "end of,of the,and of,of an,an age");
        assert_eq!(pairs("\u{fc}ber \u{c4}\u{d6}\u{dc} \u{e4} wor"), "aou a,a wor");
    }
}

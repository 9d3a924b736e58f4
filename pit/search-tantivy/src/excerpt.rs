// SPDX-License-Identifier: Apache-2.0
//! The part of a text to show with a hit; the same choice as `search-fts` makes in C++.

use crate::query::{Field, Wanted};
use crate::words::WordReader;

const SCAN_BYTES_MAX: usize = 256 * 1024;
const MATCHES_MAX: usize = 4096;

#[derive(Clone, Copy)]
struct Match {
    begin: usize,
    end: usize,
    term: usize,
}

/// Follows one term through the words of a text: `begins[i]` is where the last i+1 words began when they are its first i+1.
struct Follower<'a> {
    term: &'a Wanted<'a>,
    begins: Vec<Option<usize>>,
}

fn find_matches(text: &str, wanted: &[Wanted]) -> Vec<Match> {
    let mut followers: Vec<Follower> =
        wanted.iter().filter(|term| term.field != Field::Name).map(|term| Follower { term, begins: vec![None; term.words.len()] }).collect();
    let mut matches = Vec::new();
    let mut reader = WordReader::new(text);
    while !followers.is_empty() && matches.len() < MATCHES_MAX && reader.advance() {
        for (number, follower) in followers.iter_mut().enumerate() {
            let last = follower.begins.len() - 1;
            for i in (0..=last).rev() {
                let word = &follower.term.words[i];
                let same = if i == last && follower.term.prefix { reader.folded.starts_with(word.as_str()) } else { reader.folded == *word };
                let before = if i == 0 { Some(reader.begin) } else { follower.begins[i - 1] };
                follower.begins[i] = before.filter(|_| same);
            }
            if let Some(begin) = follower.begins[last] {
                matches.push(Match { begin, end: reader.end, term: number });
            }
        }
    }
    matches.sort_by(|a, b| a.begin.cmp(&b.begin).then(b.end.cmp(&a.end)));
    matches
}

/// The match with which the best part begins: most different terms, then most matches, then the first.
fn best_start(matches: &[Match], bytes_max: usize, terms: usize) -> usize {
    let (mut best, mut best_different, mut best_count) = (0, 0, 0);
    let (mut end, mut different) = (0, 0);
    let mut counts = vec![0usize; terms];
    for start in 0..matches.len() {
        while end < matches.len() && matches[end].end <= matches[start].begin + bytes_max {
            different += usize::from(counts[matches[end].term] == 0);
            counts[matches[end].term] += 1;
            end += 1;
        }
        let count = end.saturating_sub(start);
        if different > best_different || (different == best_different && count > best_count) {
            (best, best_different, best_count) = (start, different, count);
        }
        if end > start {
            let left = &mut counts[matches[start].term];
            *left -= 1;
            different -= usize::from(*left == 0);
        } else {
            end = start + 1; // longer than the whole excerpt: never in it
        }
    }
    best
}

fn char_at(text: &str, mut at: usize) -> usize {
    at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}
fn blank(c: u8) -> bool {
    c == b' ' || (b'\t'..=b'\r').contains(&c)
}

/// The part of `text` around what begins at `focus`: a quarter of it before, cut at blanks near its ends.
fn cut(text: &str, focus: usize, focus_end: usize, bytes_max: usize) -> (usize, usize) {
    let bytes = text.as_bytes();
    let before = (bytes_max / 4).min(bytes_max - bytes_max.min(focus_end - focus));
    let mut begin = focus - focus.min(before);
    if text.len() - begin < bytes_max {
        begin = begin.min(text.len() - text.len().min(bytes_max));
    }
    begin = char_at(text, begin);
    if begin > 0 {
        let mut next = begin;
        while next < focus && !blank(bytes[next]) {
            next += 1;
        }
        while next < focus && blank(bytes[next]) {
            next += 1;
        }
        if next < focus || (next > 0 && blank(bytes[next - 1])) {
            begin = next;
        }
    }
    let mut end = char_at(text, begin + bytes_max);
    if end < text.len() {
        let mut last = end;
        while last > focus_end && !blank(bytes[last]) {
            last -= 1;
        }
        if last > focus_end {
            end = last;
        }
    }
    (begin, end.max(begin))
}

/// The first part of at most `bytes_max` bytes that has most of what is wanted, and pairs of byte offset and length in it.
pub fn make_excerpt<'t>(text: &'t str, wanted: &[Wanted], bytes_max: usize) -> (&'t str, Vec<u32>) {
    let text = &text[..char_at(text, SCAN_BYTES_MAX)];
    let matches = find_matches(text, wanted);
    let (mut focus, mut focus_end) = (0, 0);
    if !matches.is_empty() {
        let first = matches[best_start(&matches, bytes_max, wanted.len())];
        focus = first.begin;
        focus_end = first.end.min(focus + bytes_max);
    }
    let (begin, end) = cut(text, focus, focus_end, bytes_max);
    let mut highlights = Vec::new();
    let mut covered = begin;
    for one in matches.iter().filter(|one| one.end <= end) {
        if one.begin >= covered {
            highlights.extend([(one.begin - begin) as u32, (one.end - one.begin) as u32]);
            covered = one.end;
        }
    }
    (&text[begin..end], highlights)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::{parse_query, wanted_words};

    fn excerpt(text: &str, query: &str, bytes_max: usize) -> String {
        let node = parse_query(query).unwrap();
        let (part, highlights) = make_excerpt(text, &wanted_words(&node), bytes_max);
        assert!(part.len() <= bytes_max);
        let mut out = part.to_owned();
        for pair in highlights.chunks(2).rev() {
            out.insert((pair[0] + pair[1]) as usize, ']');
            out.insert(pair[0] as usize, '[');
        }
        out
    }

    #[test]
    fn it_shows_what_was_asked_for() {
        assert_eq!(excerpt("one two three", "\"two three\" one", 100), "[one] [two three]");
        assert_eq!(excerpt("\u{c4}pfel sind Apfelkuchen", "apf*", 100), "[\u{c4}pfel] sind [Apfelkuchen]");
        assert_eq!(excerpt("one two three", "name:two -three tag:one", 100), "one two three");
        let gap = format!(" {} ", ".".repeat(300));
        assert_eq!(excerpt(&format!("fox fox fox{gap}a fox and a dog end"), "fox dog", 24), "a [fox] and a [dog] end");
    }

    #[test]
    fn it_cuts_between_words_and_never_inside_a_character() {
        let around = "w\u{f6}rter ".repeat(200);
        for most in 1..60 {
            let cut = excerpt(&format!("{around}ziel {around}"), "ziel", most);
            assert!(most < 4 || cut.contains("[ziel]"), "{most}: {cut}");
        }
    }
}

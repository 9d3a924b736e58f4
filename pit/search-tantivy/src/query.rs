// SPDX-License-Identifier: Apache-2.0
//! The query language of search/1 (plugin-api/docs/ports/search.md), read by recursive descent; `search-fts` has the same in C++.

use crate::abi::{E_INVALID_ARGUMENT, Failure};
use crate::period::parse_period;
use crate::words::words_of;

pub const QUERY_BYTES_MAX: usize = 4096;
const TERMS_MAX: usize = 64;
const WORDS_MAX: usize = 256;
const DEPTH_MAX: usize = 32;

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Field {
    Any,
    Text,
    Name,
    Tag,
    Type,
    Input,
}

/// What was asked for. An And has no And directly in it, nor an Or an Or; a Not has no Not in it.
#[derive(Debug, Clone, PartialEq)]
pub enum Node {
    All,
    None,
    /// Words one after the other; `prefix`: the last one only begins so.
    Words { field: Field, words: Vec<String>, prefix: bool },
    Exact { field: Field, value: String, prefix: bool },
    /// From, to (not in it), in milliseconds since 1970.
    Dated(u64, u64),
    And(Vec<Node>),
    Or(Vec<Node>),
    Not(Box<Node>),
}

/// Something understood, or nothing where all terms in it were without words.
type Part = Option<Node>;

fn too_large(what: String) -> Failure {
    Failure::new(E_INVALID_ARGUMENT, "query-too-large", format!("query: {what}"), "ask for less at a time")
}
fn too_deep() -> Failure {
    too_large(format!("parentheses and NOTs are more than {DEPTH_MAX} deep"))
}
fn bad(what: &str, at: usize) -> Failure {
    Failure::new(
        E_INVALID_ARGUMENT,
        "bad-query",
        format!("query: {what} (at byte {})", at + 1),
        "plain words need no operators; put text with special characters between quotation marks",
    )
}

fn blank(c: u8) -> bool {
    c == b' ' || (b'\t'..=b'\r').contains(&c)
}
fn ends_word(c: u8) -> bool {
    blank(c) || matches!(c, b'(' | b')' | b'"')
}

fn invert(node: Node) -> Node {
    match node {
        Node::Not(inner) => *inner,
        node => Node::Not(Box::new(node)),
    }
}

/// Puts the parts that are there together; one alone stays itself.
fn join(parts: Vec<Part>, and: bool) -> Part {
    let mut nodes = Vec::new();
    for node in parts.into_iter().flatten() {
        match node {
            Node::And(inner) if and => nodes.extend(inner),
            Node::Or(inner) if !and => nodes.extend(inner),
            node => nodes.push(node),
        }
    }
    match nodes.len() {
        0 | 1 => nodes.pop(),
        _ if and => Some(Node::And(nodes)),
        _ => Some(Node::Or(nodes)),
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Named {
    Field(Field),
    Date,
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    terms: usize,
    words: usize,
}

impl Parser<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }
    fn here(&self, c: u8) -> bool {
        self.peek() == Some(c)
    }
    fn skip_blanks(&mut self) {
        while self.peek().is_some_and(blank) {
            self.at += 1;
        }
    }
    fn at_operator(&self, name: &str) -> bool {
        let rest = &self.text.as_bytes()[self.at..];
        rest.starts_with(name.as_bytes()) && rest.get(name.len()).is_none_or(|c| ends_word(*c))
    }
    fn take_operator(&mut self, name: &str) -> bool {
        if !self.at_operator(name) {
            return false;
        }
        self.at += name.len();
        self.skip_blanks();
        true
    }

    fn parse_or(&mut self, depth: usize) -> Result<Part, Failure> {
        let mut parts = vec![self.parse_and(depth)?];
        while self.take_operator("OR") {
            parts.push(self.parse_and(depth)?);
        }
        Ok(join(parts, false))
    }

    fn parse_and(&mut self, depth: usize) -> Result<Part, Failure> {
        let mut parts = vec![self.parse_not(depth)?];
        while self.take_operator("AND") || !(self.peek().is_none() || self.here(b')') || self.at_operator("OR")) {
            parts.push(self.parse_not(depth)?);
        }
        Ok(join(parts, true))
    }

    fn parse_not(&mut self, mut depth: usize) -> Result<Part, Failure> {
        let mut inverted = false;
        loop {
            let next = self.text.as_bytes().get(self.at + 1);
            if self.here(b'-') && next.is_some_and(|c| !blank(*c) && *c != b')') {
                self.at += 1;
            } else if !self.take_operator("NOT") {
                break;
            }
            inverted = !inverted;
            depth += 1;
            if depth > DEPTH_MAX {
                return Err(too_deep());
            }
        }
        let part = self.parse_item(depth)?;
        self.skip_blanks();
        Ok(if inverted { part.map(invert) } else { part })
    }

    fn parse_item(&mut self, depth: usize) -> Result<Part, Failure> {
        if self.peek().is_none() || self.here(b')') || self.at_operator("AND") || self.at_operator("OR") {
            return Err(bad("something to look for is missing", self.at));
        }
        if !self.here(b'(') {
            return self.parse_term();
        }
        let opened = self.at;
        self.at += 1;
        if depth + 1 > DEPTH_MAX {
            return Err(too_deep());
        }
        self.skip_blanks();
        let part = if self.here(b')') { None } else { self.parse_or(depth + 1)? };
        if !self.here(b')') {
            return Err(bad("this parenthesis is not closed", opened));
        }
        self.at += 1;
        Ok(part)
    }

    fn parse_term(&mut self) -> Result<Part, Failure> {
        self.terms += 1;
        if self.terms > TERMS_MAX {
            return Err(too_large(format!("more than {TERMS_MAX} terms")));
        }
        let begin = self.at;
        let field = self.parse_field()?;
        let (value, prefix) = if self.here(b'"') { self.read_string()? } else { self.read_word()? };
        self.understand(begin, field, value, prefix)
    }

    fn parse_field(&mut self) -> Result<Named, Failure> {
        let begin = self.at;
        let letters = self.text.as_bytes()[begin..].iter().take_while(|c| c.is_ascii_lowercase()).count();
        if letters == 0 || self.text.as_bytes().get(begin + letters) != Some(&b':') {
            return Ok(Named::Field(Field::Any));
        }
        let name = &self.text[begin..begin + letters];
        let field = match name {
            "text" => Named::Field(Field::Text),
            "name" => Named::Field(Field::Name),
            "tag" => Named::Field(Field::Tag),
            "type" => Named::Field(Field::Type),
            "input" => Named::Field(Field::Input),
            "date" => Named::Date,
            _ => return Err(bad(&format!("there is no field \"{name}\""), begin)),
        };
        self.at += letters + 1;
        if self.peek().is_none_or(|c| ends_word(c) && c != b'"') {
            return Err(bad("the field needs a word or a string right behind it", begin));
        }
        Ok(field)
    }

    fn read_string(&mut self) -> Result<(String, bool), Failure> {
        let opened = self.at;
        self.at += 1;
        let mut value = String::new();
        let mut chars = self.text[self.at..].char_indices().peekable();
        let closed = loop {
            let Some((offset, c)) = chars.next() else { return Err(bad("this quotation mark is not closed", opened)) };
            match c {
                '"' => break offset,
                '\\' if chars.peek().is_some_and(|(_, next)| matches!(next, '"' | '\\')) => value.extend(chars.next().map(|(_, next)| next)),
                c => value.push(c),
            }
        };
        self.at += closed + 1;
        let prefix = self.here(b'*');
        self.at += usize::from(prefix);
        Ok((value, prefix))
    }

    fn read_word(&mut self) -> Result<(String, bool), Failure> {
        let begin = self.at;
        while self.peek().is_some_and(|c| !ends_word(c)) {
            self.at += 1;
        }
        let word = &self.text[begin..self.at];
        match word.find('*') {
            None => Ok((word.to_owned(), false)),
            Some(star) if star + 1 == word.len() => Ok((word[..star].to_owned(), true)),
            Some(star) => Err(bad("* may only stand at the end of a word", begin + star)),
        }
    }

    fn understand(&mut self, begin: usize, field: Named, value: String, prefix: bool) -> Result<Part, Failure> {
        let field = match field {
            Named::Date => {
                let period = if prefix { None } else { parse_period(&value) };
                let (from, to) = period
                    .ok_or_else(|| bad("a date is written 2026, 2026-05, 2026-05-01 or as a span FROM..TO of these", begin))?;
                return Ok(Some(Node::Dated(from, to)));
            }
            Named::Field(field) => field,
        };
        if matches!(field, Field::Tag | Field::Type | Field::Input) {
            if value.is_empty() {
                return Err(bad("the field needs a value", begin));
            }
            return Ok(Some(Node::Exact { field, value, prefix }));
        }
        let words = words_of(&value);
        let Some(last) = words.last() else { return Ok(None) };
        if prefix && last.chars().count() < 2 {
            return Err(bad("a prefix needs at least 2 letters or digits", begin));
        }
        self.words += words.len();
        if self.words > WORDS_MAX {
            return Err(too_large(format!("more than {WORDS_MAX} words")));
        }
        Ok(Some(Node::Words { field, words, prefix }))
    }
}

/// Reads a query: `bad-query` with the place in bytes from 1, or `query-too-large`.
pub fn parse_query(text: &str) -> Result<Node, Failure> {
    if text.len() > QUERY_BYTES_MAX {
        return Err(too_large(format!("{} bytes, the limit is {QUERY_BYTES_MAX}", text.len())));
    }
    let mut parser = Parser { text, at: 0, terms: 0, words: 0 };
    parser.skip_blanks();
    if parser.peek().is_none() {
        return Ok(Node::All);
    }
    let part = parser.parse_or(0)?;
    if parser.peek().is_some() {
        return Err(bad("a parenthesis is closed that was not opened", parser.at));
    }
    Ok(part.unwrap_or(Node::None))
}

/// A term of words that a match has or may have.
pub struct Wanted<'a> {
    pub field: Field,
    pub words: &'a [String],
    pub prefix: bool,
}

/// Those beneath no Not.
pub fn wanted_words(node: &Node) -> Vec<Wanted<'_>> {
    match node {
        Node::Words { field, words, prefix } => vec![Wanted { field: *field, words, prefix: *prefix }],
        Node::And(children) | Node::Or(children) => children.iter().flat_map(wanted_words).collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    /// As search-fts prints it: `(and "two words" name:"wor"* (not tag:"x"))`.
    fn to_text(node: &Node) -> String {
        let quoted = |field: &Field, text: &str, prefix: bool| {
            let field = match field {
                Field::Any => "",
                Field::Text => "text:",
                Field::Name => "name:",
                Field::Tag => "tag:",
                Field::Type => "type:",
                Field::Input => "input:",
            };
            format!("{field}\"{text}\"{}", if prefix { "*" } else { "" })
        };
        let list = |name: &str, nodes: &[Node]| format!("({name}{})", nodes.iter().map(|n| " ".to_owned() + &to_text(n)).collect::<String>());
        match node {
            Node::All => "*".to_owned(),
            Node::None => "!".to_owned(),
            Node::Words { field, words, prefix } => quoted(field, &words.join(" "), *prefix),
            Node::Exact { field, value, prefix } => quoted(field, value, *prefix),
            Node::Dated(from, to) if *to == u64::MAX => format!("date:[{from},)"),
            Node::Dated(from, to) => format!("date:[{from},{to})"),
            Node::And(nodes) => list("and", nodes),
            Node::Or(nodes) => list("or", nodes),
            Node::Not(inner) => format!("(not {})", to_text(inner)),
        }
    }

    fn table() -> Value {
        serde_json::from_str(include_str!("../../../tests/search/vectors.json")).unwrap()
    }

    #[test]
    fn queries_are_read_as_the_table_says() {
        for item in table()["queries"].as_array().unwrap() {
            let query = item["query"].as_str().unwrap();
            let node = parse_query(query).unwrap_or_else(|failure| panic!("{query}: {}", failure.message));
            assert_eq!(to_text(&node), item["parsed"].as_str().unwrap(), "{query}");
        }
    }

    #[test]
    fn queries_are_refused_as_the_table_says() {
        for item in table()["errors"].as_array().unwrap() {
            let query = item["query"].as_str().unwrap();
            let failure = parse_query(query).expect_err(query);
            assert_eq!(failure.reason, item["reason"].as_str().unwrap(), "{query}");
            if let Some(at) = item["at"].as_u64() {
                assert!(failure.message.ends_with(&format!("(at byte {at})")), "{query}: {}", failure.message);
            }
        }
    }

    #[test]
    fn no_text_makes_it_panic() {
        let pieces = ["fox", "\u{c4}", "(", ")", "\"", "*", " ", "-", "NOT", "AND", "OR", "tag:", "date:", "2026", "..", "\\", ":", "\u{65e5}", "x:"];
        let mut seed = 20261127u64;
        for _ in 0..200_000 {
            let mut text = String::new();
            for _ in 0..12 {
                seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                text += pieces[(seed >> 33) as usize % pieces.len()];
            }
            if let Ok(node) = parse_query(&text) {
                assert!(!to_text(&node).is_empty());
            }
        }
    }
}

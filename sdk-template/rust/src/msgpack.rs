// SPDX-License-Identifier: Apache-2.0
//! As much of MessagePack as this plugin takes and gives: one text of a map, and a map of integers. Never reads outside its bytes.

fn number(bytes: &[u8], at: usize, width: usize) -> Option<u64> {
    Some(bytes.get(at..at.checked_add(width)?)?.iter().fold(0, |value, byte| value << 8 | u64::from(*byte)))
}

/// An item's header: bytes of it, bytes of content behind it, and items that belong to it.
fn header(bytes: &[u8], at: usize) -> Option<(usize, u64, u64)> {
    let tag = *bytes.get(at)?;
    let sized = |width: usize| number(bytes, at + 1, width);
    Some(match tag {
        0x00..=0x7F | 0xC0 | 0xC2 | 0xC3 | 0xE0..=0xFF => (1, 0, 0),
        0x80..=0x8F => (1, 0, 2 * u64::from(tag & 0x0F)),
        0x90..=0x9F => (1, 0, u64::from(tag & 0x0F)),
        0xA0..=0xBF => (1, u64::from(tag & 0x1F), 0),
        0xC4..=0xC6 => (1 + (1 << (tag - 0xC4)), sized(1 << (tag - 0xC4))?, 0),
        0xD9..=0xDB => (1 + (1 << (tag - 0xD9)), sized(1 << (tag - 0xD9))?, 0),
        0xCA => (1, 4, 0),
        0xCB => (1, 8, 0),
        0xCC..=0xCF => (1, 1 << (tag - 0xCC), 0),
        0xD0..=0xD3 => (1, 1 << (tag - 0xD0), 0),
        0xDC | 0xDD => (1 + (2 << (tag - 0xDC)), 0, sized(2 << (tag - 0xDC))?),
        0xDE | 0xDF => (1 + (2 << (tag - 0xDE)), 0, 2 * sized(2 << (tag - 0xDE))?),
        _ => return None,
    })
}

/// The place behind the item at `at` and all in it.
fn skip(bytes: &[u8], mut at: usize) -> Option<usize> {
    let mut pending = 1u64;
    while pending > 0 {
        let (head, content, items) = header(bytes, at)?;
        at = at.checked_add(head)?.checked_add(usize::try_from(content).ok()?)?;
        pending = pending - 1 + items;
        if at > bytes.len() || pending > (bytes.len() - at) as u64 {
            return None;
        }
    }
    Some(at)
}

fn text_at(bytes: &[u8], at: usize) -> Option<&str> {
    let (head, content, _) = header(bytes, at)?;
    if !matches!(bytes[at], 0xA0..=0xBF | 0xD9..=0xDB) {
        return None;
    }
    std::str::from_utf8(bytes.get(at + head..(at + head).checked_add(usize::try_from(content).ok()?)?)?).ok()
}

/// The text under `key` of a map.
pub fn text<'a>(map: &'a [u8], key: &str) -> Option<&'a str> {
    let (head, _, items) = header(map, 0)?;
    if !matches!(map[0], 0x80..=0x8F | 0xDE | 0xDF) {
        return None;
    }
    let mut at = head;
    for _ in 0..items / 2 {
        let value = skip(map, at)?;
        if text_at(map, at) == Some(key) {
            return text_at(map, value);
        }
        at = skip(map, value)?;
    }
    None
}

/// A map of at most 15 names, of at most 31 bytes each.
pub fn integers(pairs: &[(&str, u64)]) -> Vec<u8> {
    let mut out = vec![0x80 | pairs.len() as u8];
    for (name, value) in pairs {
        out.push(0xA0 | name.len() as u8);
        out.extend_from_slice(name.as_bytes());
        out.push(0xCF);
        out.extend_from_slice(&value.to_be_bytes());
    }
    out
}

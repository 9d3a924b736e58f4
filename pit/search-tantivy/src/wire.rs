// SPDX-License-Identifier: Apache-2.0
//! The compact binary records of port calls (plugin-api/docs/compact-binary.md), and as much of MessagePack as the host's answers need.

/// Reads a record that may be hostile: the first fault sticks, everything after it reads as zero.
pub struct Reader<'a> {
    bytes: &'a [u8],
    pub failed: bool,
}

impl<'a> Reader<'a> {
    /// At the first field of an outermost record.
    pub fn new(record: &'a [u8]) -> Reader<'a> {
        let mut reader = Reader { bytes: record, failed: false };
        let size = reader.u32() as usize;
        if size != reader.bytes.len() {
            reader.fail();
        }
        reader
    }
    fn fail(&mut self) {
        self.failed = true;
        self.bytes = &[];
    }
    fn take(&mut self, size: usize) -> &'a [u8] {
        if size > self.bytes.len() {
            self.fail();
            return &[];
        }
        let (taken, rest) = self.bytes.split_at(size);
        self.bytes = rest;
        taken
    }
    fn array<const N: usize>(&mut self) -> [u8; N] {
        self.take(N).try_into().unwrap_or([0; N])
    }
    /// Whether the record has another field; a missing one is zero.
    pub fn more(&self) -> bool {
        !self.bytes.is_empty()
    }
    /// A field, or its zero where an older writer ended the record before it.
    pub fn field<T: Default>(&mut self, read: impl FnOnce(&mut Reader<'a>) -> T) -> T {
        if self.more() { read(self) } else { T::default() }
    }
    pub fn u32(&mut self) -> u32 {
        u32::from_le_bytes(self.array())
    }
    pub fn u64(&mut self) -> u64 {
        u64::from_le_bytes(self.array())
    }
    pub fn boolean(&mut self) -> bool {
        let [byte] = self.array();
        if byte > 1 {
            self.fail();
        }
        byte == 1
    }
    pub fn string(&mut self) -> &'a str {
        let size = self.u32() as usize;
        match std::str::from_utf8(self.take(size)) {
            Ok(text) => text,
            Err(_) => {
                self.fail();
                ""
            }
        }
    }
    /// A count whose items, at `item_bytes_min` each, still fit.
    fn count(&mut self, item_bytes_min: usize) -> usize {
        let count = self.u32() as usize;
        if count > self.bytes.len() / item_bytes_min {
            self.fail();
            return 0;
        }
        count
    }
    pub fn list<T>(&mut self, item_bytes_min: usize, mut item: impl FnMut(&mut Reader<'a>) -> T) -> Vec<T> {
        let count = self.count(item_bytes_min);
        let mut items = Vec::with_capacity(count.min(1024));
        for _ in 0..count {
            if self.failed {
                break;
            }
            items.push(item(self));
        }
        items
    }
    pub fn strings(&mut self) -> Vec<String> {
        self.list(4, |reader| reader.string().to_owned())
    }
    /// A record inside the record; what a newer writer appended to it is skipped.
    pub fn record<T>(&mut self, read: impl FnOnce(&mut Reader<'a>) -> T) -> T {
        let size = self.u32() as usize;
        let mut inner = Reader { bytes: self.take(size), failed: self.failed };
        let value = read(&mut inner);
        if inner.failed {
            self.fail();
        }
        value
    }
}

/// Writes one record.
#[derive(Default)]
pub struct Writer {
    pub bytes: Vec<u8>,
}

impl Writer {
    pub fn u32(&mut self, value: u32) {
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }
    pub fn u64(&mut self, value: u64) {
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }
    pub fn f64(&mut self, value: f64) {
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }
    pub fn boolean(&mut self, value: bool) {
        self.bytes.push(u8::from(value));
    }
    pub fn string(&mut self, text: &str) {
        self.u32(text.len() as u32);
        self.bytes.extend_from_slice(text.as_bytes());
    }
    pub fn list<T>(&mut self, items: &[T], mut write: impl FnMut(&mut Writer, &T)) {
        self.u32(items.len() as u32);
        for item in items {
            write(self, item);
        }
    }
    pub fn record(&mut self, write: impl FnOnce(&mut Writer)) {
        let start = self.bytes.len();
        self.u32(0);
        write(self);
        let size = (self.bytes.len() - start - 4) as u32;
        self.bytes[start..start + 4].copy_from_slice(&size.to_le_bytes());
    }
}

/// A MessagePack item, as far as the host's answers have it.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    Other,
    Unsigned(u64),
    /// Text and binary alike.
    Bytes(Vec<u8>),
    List(Vec<Value>),
    Map(Vec<(Value, Value)>),
}

impl Value {
    const DEPTH_MAX: usize = 128;

    pub fn parse(bytes: &[u8]) -> Option<Value> {
        let mut rest = bytes;
        Value::read(&mut rest, 0)
    }
    pub fn get(&self, key: &str) -> Option<&Value> {
        let Value::Map(pairs) = self else { return None };
        pairs.iter().find(|(name, _)| matches!(name, Value::Bytes(text) if text == key.as_bytes())).map(|(_, value)| value)
    }
    pub fn unsigned(&self) -> Option<u64> {
        if let Value::Unsigned(value) = self { Some(*value) } else { None }
    }
    pub fn text(&self) -> Option<&str> {
        if let Value::Bytes(bytes) = self { std::str::from_utf8(bytes).ok() } else { None }
    }

    fn number(rest: &mut &[u8], size: usize) -> Option<u64> {
        let (taken, left) = rest.split_at_checked(size)?;
        *rest = left;
        Some(taken.iter().fold(0, |value, byte| value << 8 | u64::from(*byte)))
    }
    fn bytes(rest: &mut &[u8], size: u64) -> Option<Value> {
        let (taken, left) = rest.split_at_checked(usize::try_from(size).ok()?)?;
        *rest = left;
        Some(Value::Bytes(taken.to_vec()))
    }
    fn list(rest: &mut &[u8], count: u64, depth: usize) -> Option<Value> {
        (count <= rest.len() as u64).then_some(())?;
        (0..count).map(|_| Value::read(rest, depth + 1)).collect::<Option<Vec<_>>>().map(Value::List)
    }
    fn map(rest: &mut &[u8], count: u64, depth: usize) -> Option<Value> {
        (count <= rest.len() as u64 / 2).then_some(())?;
        (0..count).map(|_| Some((Value::read(rest, depth + 1)?, Value::read(rest, depth + 1)?))).collect::<Option<Vec<_>>>().map(Value::Map)
    }
    fn read(rest: &mut &[u8], depth: usize) -> Option<Value> {
        (depth <= Value::DEPTH_MAX).then_some(())?;
        let tag = Value::number(rest, 1)? as u8;
        match tag {
            0x00..=0x7F => Some(Value::Unsigned(u64::from(tag))),
            0x80..=0x8F => Value::map(rest, u64::from(tag & 0x0F), depth),
            0x90..=0x9F => Value::list(rest, u64::from(tag & 0x0F), depth),
            0xA0..=0xBF => Value::bytes(rest, u64::from(tag & 0x1F)),
            0xC4..=0xC6 => Value::number(rest, 1 << (tag - 0xC4)).and_then(|size| Value::bytes(rest, size)),
            0xD9..=0xDB => Value::number(rest, 1 << (tag - 0xD9)).and_then(|size| Value::bytes(rest, size)),
            0xCC..=0xCF => Value::number(rest, 1 << (tag - 0xCC)).map(Value::Unsigned),
            0xD0..=0xD3 => Value::number(rest, 1 << (tag - 0xD0)).map(|_| Value::Other),
            0xCA => Value::number(rest, 4).map(|_| Value::Other),
            0xCB => Value::number(rest, 8).map(|_| Value::Other),
            0xDC | 0xDD => Value::number(rest, 2 << (tag - 0xDC)).and_then(|count| Value::list(rest, count, depth)),
            0xDE | 0xDF => Value::number(rest, 2 << (tag - 0xDE)).and_then(|count| Value::map(rest, count, depth)),
            0xC0 | 0xC2 | 0xC3 | 0xE0..=0xFF => Some(Value::Other),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_read_as_it_was_written_and_never_beyond_its_end() {
        let mut writer = Writer::default();
        writer.record(|w| {
            w.string("text");
            w.record(|w| {
                w.u64(7);
                w.boolean(true);
                w.u32(99); // appended by somebody newer
            });
            w.list(&["a", "b"], |w, text| w.string(text));
        });
        let read = |bytes: &[u8]| {
            let mut reader = Reader::new(bytes);
            let out = (reader.string().to_owned(), reader.record(|r| (r.u64(), r.boolean())), reader.strings());
            (!reader.failed && !reader.more()).then_some(out)
        };
        assert_eq!(read(&writer.bytes), Some(("text".to_owned(), (7, true), vec!["a".to_owned(), "b".to_owned()])));
        for cut in 0..writer.bytes.len() {
            assert_eq!(read(&writer.bytes[..cut]), None, "cut at {cut}");
        }
        let mut seed = 20261127u64;
        for _ in 0..20_000 {
            let mut bytes = writer.bytes.clone();
            for _ in 0..3 {
                seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                let at = (seed >> 33) as usize % bytes.len();
                bytes[at] = (seed >> 24) as u8;
            }
            let _ = read(&bytes); // any answer, no panic, no great allocation
            let _ = Value::parse(&bytes);
        }
    }

    #[test]
    fn what_the_host_lists_can_be_read() {
        let listed = b"\x91\x83\xa4name\xc4\x01x\xa4kind\xa4file\xa4size\xcd\x01\x00";
        let value = Value::parse(listed).unwrap();
        let Value::List(items) = value else { panic!("a list") };
        assert_eq!(items[0].get("name").unwrap().text(), Some("x"));
        assert_eq!(items[0].get("size").unwrap().unsigned(), Some(256));
        assert_eq!(Value::parse(&[0x91; 1000]), None);
    }
}

// SPDX-License-Identifier: Apache-2.0
use word_count::apply;
use word_count::msgpack;
use word_count::word_count::{Counts, count};

fn arguments(operation: &str, input: &[u8]) -> Vec<u8> {
    let mut fields = Vec::new();
    for field in [operation.as_bytes(), input] {
        fields.extend_from_slice(&(field.len() as u32).to_le_bytes());
        fields.extend_from_slice(field);
    }
    [&(fields.len() as u32).to_le_bytes()[..], &fields].concat()
}

#[test]
fn words_are_parted_by_white_space() {
    assert_eq!(count(" one  zw\u{f6}lf\n"), Counts { words: 2, characters: 12 });
    assert_eq!(count(""), Counts { words: 0, characters: 0 });
}

#[test]
fn a_call_is_read_and_answered() {
    let out = apply(&arguments("count", b"\x82\xa1x\x93\x01\x02\xc0\xa4text\xa5a b c"), &[]).unwrap();
    assert_eq!(out[8..], msgpack::integers(&[("words", 3), ("characters", 5)])[..]);
    assert_eq!(apply(&arguments("count", b"\x81\xa4text\x07"), &[]).unwrap_err().reason, "missing-input");
    assert_eq!(apply(&arguments("other", b"\x80"), &[]).unwrap_err().reason, "unknown-operation");
}

#[test]
fn bytes_that_are_cut_or_changed_never_make_it_panic() {
    let whole = arguments("count", b"\x82\xa1x\x93\x01\x02\xc0\xa4text\xa5a b c");
    for cut in 0..whole.len() {
        assert!(apply(&whole[..cut], &[]).is_err());
        for change in [0x00, 0x7F, 0x80, 0xC6, 0xDB, 0xDD, 0xDF, 0xFF] {
            let mut bytes = whole.clone();
            bytes[cut] = change;
            let _ = apply(&bytes, &[]);
        }
    }
}

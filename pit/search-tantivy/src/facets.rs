// SPDX-License-Identifier: Apache-2.0
//! Counts the values of `tag` and `type` over all documents that match.

use std::collections::HashMap;

use tantivy::collector::{Collector, SegmentCollector};
use tantivy::columnar::StrColumn;
use tantivy::{DocId, Score, SegmentOrdinal, SegmentReader};

pub const FACET_FIELDS: [&str; 2] = ["tag", "type"];

type Counts = HashMap<String, u64>;

pub struct Facets;

pub struct SegmentFacets {
    columns: [Option<StrColumn>; 2],
    counts: [HashMap<u64, u64>; 2],
}

impl Collector for Facets {
    type Fruit = [Counts; 2];
    type Child = SegmentFacets;

    fn for_segment(&self, _: SegmentOrdinal, segment: &SegmentReader) -> tantivy::Result<SegmentFacets> {
        let [tag, kind] = FACET_FIELDS;
        Ok(SegmentFacets { columns: [segment.fast_fields().str(tag)?, segment.fast_fields().str(kind)?], counts: Default::default() })
    }
    fn requires_scoring(&self) -> bool {
        false
    }
    fn merge_fruits(&self, fruits: Vec<tantivy::Result<[Counts; 2]>>) -> tantivy::Result<[Counts; 2]> {
        let mut all: [Counts; 2] = Default::default();
        for fruit in fruits {
            for (to, from) in all.iter_mut().zip(fruit?) {
                for (value, count) in from {
                    *to.entry(value).or_default() += count;
                }
            }
        }
        Ok(all)
    }
}

impl SegmentCollector for SegmentFacets {
    type Fruit = tantivy::Result<[Counts; 2]>;

    fn collect(&mut self, doc: DocId, _: Score) {
        for (column, counts) in self.columns.iter().zip(&mut self.counts) {
            for ord in column.iter().flat_map(|column| column.term_ords(doc)) {
                *counts.entry(ord).or_default() += 1;
            }
        }
    }

    fn harvest(self) -> tantivy::Result<[Counts; 2]> {
        let mut named: [Counts; 2] = Default::default();
        for ((column, counts), to) in self.columns.iter().zip(self.counts).zip(&mut named) {
            let Some(column) = column else { continue };
            let mut ordered: Vec<(u64, u64)> = counts.into_iter().collect();
            ordered.sort_unstable();
            let ords: Vec<u64> = ordered.iter().map(|(ord, _)| *ord).collect();
            let mut next = ordered.iter();
            column.dictionary().sorted_ords_to_term_cb(&ords, |term| {
                if let (Some((_, count)), Ok(value)) = (next.next(), std::str::from_utf8(term)) {
                    to.insert(value.to_owned(), *count);
                }
            })?;
        }
        Ok(named)
    }
}

/// The most frequent values first, then by value, at most `most`.
pub fn most_frequent(counts: Counts, most: usize) -> Vec<(String, u64)> {
    let mut ordered: Vec<(String, u64)> = counts.into_iter().filter(|(value, _)| !value.is_empty()).collect();
    ordered.sort_unstable_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    ordered.truncate(most);
    ordered
}

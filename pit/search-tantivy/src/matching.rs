// SPDX-License-Identifier: Apache-2.0
//! A query as tantivy's, and the schema that it runs over.

use crate::query::{Field as Asked, Node};
use crate::words::{Pairs, Words, is_pair, pair_of};

use std::ops::Bound;

use tantivy::{Searcher, TantivyDocument, Term};
use tantivy::query::{AllQuery, BooleanQuery, BoostQuery, ConstScoreQuery, EmptyQuery, Occur, PhrasePrefixQuery, PhraseQuery, Query, RangeQuery, TermQuery};
use tantivy::schema::{FAST, Field, IndexRecordOption, NumericOptions, Schema, TextFieldIndexing, TextOptions};
use tantivy::tokenizer::TokenizerManager;

/// How much more a word in the name counts than one in the text; search-fts has the same.
const NAME_BOOST: f32 = 4.0;

/// Most different words of a segment that the end of a string such as `"some wor"*` stands for: the first ones in their order. tantivy keeps
/// the postings of all of them in memory, some 2 KiB each.
const PHRASE_PREFIX_WORDS_MAX: u32 = 10_000;

#[derive(Clone)]
pub struct Fields {
    pub schema: Schema,
    pub id: Field,
    pub name: Field,
    pub text: Field,
    name_pairs: Field,
    text_pairs: Field,
    pub kind: Field,
    pub tag: Field,
    pub input: Field,
    pub date: Field,
}

impl Fields {
    pub fn new() -> Fields {
        let words = TextFieldIndexing::default().set_tokenizer("words").set_index_option(IndexRecordOption::WithFreqsAndPositions);
        let pairs = TextFieldIndexing::default().set_tokenizer("pairs").set_index_option(IndexRecordOption::WithFreqs);
        let exact = || TextFieldIndexing::default().set_tokenizer("raw").set_fieldnorms(false).set_index_option(IndexRecordOption::Basic);
        let counted = || TextOptions::default().set_indexing_options(exact()).set_fast("raw");
        let mut schema = Schema::builder();
        let id = schema.add_text_field("id", TextOptions::default().set_indexing_options(exact()).set_stored());
        let name = schema.add_text_field("name", TextOptions::default().set_indexing_options(words.clone()));
        let text = schema.add_text_field("text", TextOptions::default().set_indexing_options(words).set_stored());
        let name_pairs = schema.add_text_field("name_pairs", TextOptions::default().set_indexing_options(pairs.clone()));
        let text_pairs = schema.add_text_field("text_pairs", TextOptions::default().set_indexing_options(pairs));
        let kind = schema.add_text_field("type", counted());
        let tag = schema.add_text_field("tag", counted());
        let input = schema.add_text_field("input", TextOptions::default().set_indexing_options(exact()));
        let date = schema.add_u64_field("date", NumericOptions::from(FAST));
        Fields { schema: schema.build(), id, name, text, name_pairs, text_pairs, kind, tag, input, date }
    }
    pub fn tokenizers() -> TokenizerManager {
        let tokenizers = TokenizerManager::default();
        tokenizers.register("words", Words::default());
        tokenizers.register("pairs", Pairs::default());
        tokenizers
    }

    /// A document's name and text, which are looked for twice: as words and as pairs of neighbours.
    pub fn add_words(&self, to: &mut TantivyDocument, name: &str, text: &str) {
        for (words, pairs, value) in [(self.name, self.name_pairs, name), (self.text, self.text_pairs, text)] {
            to.add_text(words, value);
            to.add_text(pairs, value);
        }
    }
}

/// Makes tantivy's query of one that was read.
pub struct Asking<'s> {
    pub fields: &'s Fields,
    pub searcher: &'s Searcher,
    /// Set when the end of a string stands for more words than are looked at.
    pub partial: bool,
}

type Made = tantivy::Result<Box<dyn Query>>;

impl Asking<'_> {
    /// How many different words of a segment begin so, at most one more than PHRASE_PREFIX_WORDS_MAX.
    fn words_that_begin(&self, field: Field, prefix: &str) -> tantivy::Result<u32> {
        let mut most = 0;
        for segment in self.searcher.segment_readers() {
            let index = segment.inverted_index(field)?;
            let mut stream = index.terms().range().ge(prefix.as_bytes()).into_stream()?;
            let mut count = 0;
            while count <= PHRASE_PREFIX_WORDS_MAX && stream.advance() && stream.key().starts_with(prefix.as_bytes()) {
                count += 1;
            }
            most = most.max(count);
        }
        Ok(most)
    }

    fn words_in(&mut self, field: Field, words: &[String], prefix: bool) -> Made {
        let pair_field = if field == self.fields.name { self.fields.name_pairs } else { self.fields.text_pairs };
        let whole = if prefix { &words[..words.len() - 1] } else { words };
        let pairs = whole.windows(2).filter(|two| is_pair(&two[0], &two[1])).map(|two| Term::from_field_text(pair_field, &pair_of(&two[0], &two[1])));
        let mut pairs: Vec<TermQuery> = pairs.map(|term| TermQuery::new(term, IndexRecordOption::WithFreqs)).collect();
        if words.len() == 2
            && let Some(pair) = pairs.pop()
        {
            return Ok(Box::new(pair));
        }
        let phrase = self.phrase(field, words, prefix)?;
        if pairs.is_empty() {
            return Ok(phrase);
        }
        // Few documents have the neighbours; only in those are the places of all words looked at.
        let mut clauses = vec![(Occur::Must, phrase)];
        clauses.extend(pairs.into_iter().map(|pair| (Occur::Must, Box::new(ConstScoreQuery::new(Box::new(pair), 0.0)) as Box<dyn Query>)));
        Ok(Box::new(BooleanQuery::new(clauses)))
    }

    fn phrase(&mut self, field: Field, words: &[String], prefix: bool) -> Made {
        let mut terms: Vec<Term> = words.iter().map(|word| Term::from_field_text(field, word)).collect();
        if prefix {
            let mut query = PhrasePrefixQuery::new(terms);
            // tantivy reserves memory for so many postings when there is more than one word.
            let expansions = if words.len() > 1 { self.words_that_begin(field, &words[words.len() - 1])? } else { u32::MAX };
            self.partial |= words.len() > 1 && expansions > PHRASE_PREFIX_WORDS_MAX;
            query.set_max_expansions(if words.len() > 1 { expansions.clamp(1, PHRASE_PREFIX_WORDS_MAX) } else { u32::MAX });
            return Ok(Box::new(query));
        }
        if terms.len() > 1 {
            return Ok(Box::new(PhraseQuery::new(terms)));
        }
        Ok(match terms.pop() {
            Some(term) => Box::new(TermQuery::new(term, IndexRecordOption::WithFreqs)),
            None => Box::new(EmptyQuery),
        })
    }

    fn exact(&self, field: Asked, value: &str, prefix: bool) -> Box<dyn Query> {
        let field = match field {
            Asked::Tag => self.fields.tag,
            Asked::Type => self.fields.kind,
            _ => self.fields.input,
        };
        let term = Term::from_field_text(field, value);
        let query: Box<dyn Query> = if prefix {
            let mut query = PhrasePrefixQuery::new(vec![term]);
            query.set_max_expansions(u32::MAX);
            Box::new(query)
        } else {
            Box::new(TermQuery::new(term, IndexRecordOption::Basic))
        };
        Box::new(ConstScoreQuery::new(query, 0.0))
    }

    /// What narrows a search down counts nothing in the ranking; words do.
    pub fn query(&mut self, node: &Node) -> Made {
        let (name, text, date) = (self.fields.name, self.fields.text, self.fields.date);
        Ok(match node {
            Node::All => Box::new(ConstScoreQuery::new(Box::new(AllQuery), 0.0)),
            Node::None => Box::new(EmptyQuery),
            Node::Words { field: Asked::Name, words, prefix } => Box::new(BoostQuery::new(self.words_in(name, words, *prefix)?, NAME_BOOST)),
            Node::Words { field: Asked::Text, words, prefix } => self.words_in(text, words, *prefix)?,
            Node::Words { words, prefix, .. } => Box::new(BooleanQuery::new(vec![
                (Occur::Should, Box::new(BoostQuery::new(self.words_in(name, words, *prefix)?, NAME_BOOST))),
                (Occur::Should, self.words_in(text, words, *prefix)?),
            ])),
            Node::Exact { field, value, prefix } => self.exact(*field, value, *prefix),
            Node::Dated(from, to) => {
                let begin = Bound::Included(Term::from_field_u64(date, *from));
                let end = if *to == u64::MAX { Bound::Unbounded } else { Bound::Excluded(Term::from_field_u64(date, *to)) };
                Box::new(ConstScoreQuery::new(Box::new(RangeQuery::new(begin, end)), 0.0))
            }
            Node::Or(children) => {
                let clauses: tantivy::Result<Vec<_>> = children.iter().map(|child| Ok((Occur::Should, self.query(child)?))).collect();
                Box::new(BooleanQuery::new(clauses?))
            }
            Node::Not(inner) => {
                let clauses = vec![(Occur::MustNot, self.query(inner)?)];
                self.all_but(clauses)?
            }
            Node::And(children) => {
                let clauses = children.iter().map(|child| match child {
                    Node::Not(inner) => Ok((Occur::MustNot, self.query(inner)?)),
                    child => Ok((Occur::Must, self.query(child)?)),
                });
                let clauses = clauses.collect::<tantivy::Result<Vec<_>>>()?;
                if clauses.iter().any(|(occur, _)| *occur == Occur::Must) { Box::new(BooleanQuery::new(clauses)) } else { self.all_but(clauses)? }
            }
        })
    }

    fn all_but(&mut self, mut clauses: Vec<(Occur, Box<dyn Query>)>) -> Made {
        clauses.push((Occur::Must, self.query(&Node::All)?));
        Ok(Box::new(BooleanQuery::new(clauses)))
    }
}

/// Whether tantivy finds the best without scoring all: terms alone, of which each is one list of postings.
pub fn is_pruned(node: &Node) -> bool {
    match node {
        Node::Words { words, prefix, .. } => !prefix && (words.len() == 1 || (words.len() == 2 && is_pair(&words[0], &words[1]))),
        Node::Or(children) => children.iter().all(is_pruned),
        _ => false,
    }
}

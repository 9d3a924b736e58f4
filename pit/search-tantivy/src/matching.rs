// SPDX-License-Identifier: Apache-2.0
//! A query as tantivy's, and the schema that it runs over.

use crate::query::{Field as Asked, Node};
use crate::words::Words;

use std::ops::Bound;

use tantivy::Term;
use tantivy::query::{AllQuery, BooleanQuery, BoostQuery, ConstScoreQuery, EmptyQuery, Occur, PhrasePrefixQuery, PhraseQuery, Query, RangeQuery, TermQuery};
use tantivy::schema::{FAST, Field, IndexRecordOption, NumericOptions, Schema, TextFieldIndexing, TextOptions};
use tantivy::tokenizer::TokenizerManager;

/// How much more a word in the name counts than one in the text; search-fts has the same.
const NAME_BOOST: f32 = 4.0;

#[derive(Clone)]
pub struct Fields {
    pub schema: Schema,
    pub id: Field,
    pub name: Field,
    pub text: Field,
    pub kind: Field,
    pub tag: Field,
    pub input: Field,
    pub date: Field,
}

impl Fields {
    pub fn new() -> Fields {
        let words = TextFieldIndexing::default().set_tokenizer("words").set_index_option(IndexRecordOption::WithFreqsAndPositions);
        let exact = || TextFieldIndexing::default().set_tokenizer("raw").set_fieldnorms(false).set_index_option(IndexRecordOption::Basic);
        let counted = || TextOptions::default().set_indexing_options(exact()).set_fast("raw");
        let mut schema = Schema::builder();
        let id = schema.add_text_field("id", TextOptions::default().set_indexing_options(exact()).set_stored());
        let name = schema.add_text_field("name", TextOptions::default().set_indexing_options(words.clone()));
        let text = schema.add_text_field("text", TextOptions::default().set_indexing_options(words).set_stored());
        let kind = schema.add_text_field("type", counted());
        let tag = schema.add_text_field("tag", counted());
        let input = schema.add_text_field("input", TextOptions::default().set_indexing_options(exact()));
        let date = schema.add_u64_field("date", NumericOptions::from(FAST));
        Fields { schema: schema.build(), id, name, text, kind, tag, input, date }
    }
    pub fn tokenizers() -> TokenizerManager {
        let tokenizers = TokenizerManager::default();
        tokenizers.register("words", Words::default());
        tokenizers
    }

    fn words_in(&self, field: Field, words: &[String], prefix: bool) -> Box<dyn Query> {
        let mut terms: Vec<Term> = words.iter().map(|word| Term::from_field_text(field, word)).collect();
        if prefix {
            let mut query = PhrasePrefixQuery::new(terms);
            query.set_max_expansions(u32::MAX);
            return Box::new(query);
        }
        if terms.len() > 1 {
            return Box::new(PhraseQuery::new(terms));
        }
        match terms.pop() {
            Some(term) => Box::new(TermQuery::new(term, IndexRecordOption::WithFreqs)),
            None => Box::new(EmptyQuery),
        }
    }

    fn exact(&self, field: Asked, value: &str, prefix: bool) -> Box<dyn Query> {
        let field = match field {
            Asked::Tag => self.tag,
            Asked::Type => self.kind,
            _ => self.input,
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
    pub fn query(&self, node: &Node) -> Box<dyn Query> {
        match node {
            Node::All => Box::new(ConstScoreQuery::new(Box::new(AllQuery), 0.0)),
            Node::None => Box::new(EmptyQuery),
            Node::Words { field: Asked::Name, words, prefix } => Box::new(BoostQuery::new(self.words_in(self.name, words, *prefix), NAME_BOOST)),
            Node::Words { field: Asked::Text, words, prefix } => self.words_in(self.text, words, *prefix),
            Node::Words { words, prefix, .. } => Box::new(BooleanQuery::new(vec![
                (Occur::Should, Box::new(BoostQuery::new(self.words_in(self.name, words, *prefix), NAME_BOOST))),
                (Occur::Should, self.words_in(self.text, words, *prefix)),
            ])),
            Node::Exact { field, value, prefix } => self.exact(*field, value, *prefix),
            Node::Dated(from, to) => {
                let begin = Bound::Included(Term::from_field_u64(self.date, *from));
                let end = if *to == u64::MAX { Bound::Unbounded } else { Bound::Excluded(Term::from_field_u64(self.date, *to)) };
                Box::new(ConstScoreQuery::new(Box::new(RangeQuery::new(begin, end)), 0.0))
            }
            Node::Or(children) => Box::new(BooleanQuery::new(children.iter().map(|child| (Occur::Should, self.query(child))).collect())),
            Node::Not(inner) => self.all_but(vec![(Occur::MustNot, self.query(inner))]),
            Node::And(children) => {
                let clauses = children.iter().map(|child| match child {
                    Node::Not(inner) => (Occur::MustNot, self.query(inner)),
                    child => (Occur::Must, self.query(child)),
                });
                let clauses: Vec<_> = clauses.collect();
                if clauses.iter().any(|(occur, _)| *occur == Occur::Must) { Box::new(BooleanQuery::new(clauses)) } else { self.all_but(clauses) }
            }
        }
    }

    fn all_but(&self, mut clauses: Vec<(Occur, Box<dyn Query>)>) -> Box<dyn Query> {
        clauses.push((Occur::Must, self.query(&Node::All)));
        Box::new(BooleanQuery::new(clauses))
    }
}

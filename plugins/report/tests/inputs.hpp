// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "facts.hpp"
#include "survey.hpp"

#include <symphony/json.hpp>

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace report::test {

inline symphony::Value input(std::string_view json) {
    auto value = symphony::parse_json(json);
    EXPECT_TRUE(value) << value.error().message();
    return value ? *std::move(value) : symphony::Value();
}

inline symphony::Value survey(std::string_view json) {
    auto out = apply("survey", input(json), [] { return false; });
    EXPECT_TRUE(out) << out.error().message();
    return out ? *std::move(out) : symphony::Value();
}

inline std::string html_of(std::string_view json) { return std::string(survey(json)["html"].as_text()); }
inline std::string markdown_of(std::string_view json) { return std::string(survey(json)["markdown"].as_text()); }

/// A small survey that has some of everything.
inline constexpr std::string_view small = R"({
 "title": "Survey", "folder": "docs", "generated": "2026-11-24",
 "files": [{"path":"docs/a.md","kind":"text","mime":"text/markdown","size":1234},{"path":"docs/p.png","kind":"image","mime":"image/png","size":80000},
           {"path":"docs/bad.png","kind":"image","mime":"image/png","size":10},{"path":"docs/void","kind":"empty","size":0},{"path":"docs/x.bin","kind":"binary","size":7}],
 "texts": [{"path":"docs/a.md","text":"a plugin","lines":1,"size":1234}],
 "pages": [{"path":"docs/p.png","text":"The host\n\nloads a plugln","confidence":88.5,"language":"eng","width":100,"height":50,
            "words":[{"text":"The","confidence":97.1},{"text":"host","confidence":95},{"text":"loads","confidence":75},{"text":"a","confidence":96},{"text":"plugln","confidence":41.6}]}],
 "terms": [{"term":"plugin","count":40,"files":2},{"term":"host","count":10,"files":1}],
 "words": [{"path":"docs/a.md","words":2},{"path":"docs/p.png","words":5}], "total_words": 7, "distinct": 5,
 "matches": [{"path":"docs/a.md","line":1,"column":3,"pattern":"plugin","excerpt":"a plugin","begin":2,"length":6}],
 "counts": {"plugin":1,"sousaphone":0},
 "problems": [[{"path":"docs/void","severity":"note","reason":"empty","message":"is empty","hint":""}],
              [{"path":"docs/bad.png","node":"recognise","reason":"image-broken","message":"docs/bad.png: cannot decode the PNG image","hint":"scan it again"}]],
 "skipped": {"excluded_folders":2,"excluded_files":0},
 "timings": [{"name":"walk","milliseconds":12.5}]
})";

} // namespace report::test

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/ports/search.hpp>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

/// A feeder whose every step is known, so that what an index holds after a crash can be held against what it has to hold.
/// `Search` has the methods of search/1.
namespace symphony::search {

using Tell = std::function<void(const std::string&)>;

/// What a feeder sends, step by step, and what the index has to hold after each of them.
struct Model {
    std::string feed;
    std::uint64_t watermark = 0;
    std::map<std::string, std::uint64_t> documents; ///< id, and in which step its text was written
};

inline bool clears(std::uint64_t step) { return step % 11 == 8; }
inline std::string feed_of(std::uint64_t step) { return "feed" + std::to_string(step / 11); }
inline std::string removed_by(std::uint64_t step) { return "d" + std::to_string((step * 3) % 8); }

inline std::vector<ports::Document> written_by(std::uint64_t step) {
    std::vector<ports::Document> all;
    for (std::uint64_t i = 0; i < 3; ++i) {
        ports::Document one{.id = "d" + std::to_string((step + i) % 8), .name = "number" + std::to_string(step), .type = "text/plain", .tags = {"step" + std::to_string(step)}};
        // Long enough for several pages, and of words that come back.
        for (std::uint64_t word = 0; word < 150; ++word) one.text += "w" + std::to_string(word * (step + i + 1) % 97) + " ";
        one.text += "common words" + std::to_string(step);
        all.push_back(std::move(one));
    }
    return all;
}

inline Model after(std::uint64_t steps) {
    Model model;
    for (std::uint64_t step = 1; step <= steps; ++step) {
        if (clears(step)) {
            model = {};
            continue;
        }
        for (const ports::Document& one : written_by(step)) model.documents[one.id] = step;
        model.documents.erase(removed_by(step));
        model.feed = feed_of(step);
        model.watermark = step;
    }
    return model;
}

template <class Search>
Status do_step(Search& index, std::uint64_t step) {
    if (clears(step)) return index.clear();
    SYMPHONY_TRY(index.index(written_by(step)));
    SYMPHONY_TRY(index.remove({removed_by(step)}));
    return index.commit(feed_of(step), step);
}

/// Steps `from` and so many more; each that is done is told. @return The first failure.
template <class Search>
Status work(Search& index, std::uint64_t from, std::uint64_t count, const Tell& tell) {
    for (std::uint64_t step = from; step < from + count; ++step) {
        if (Status done = do_step(index, step); !done) return done;
        tell("step " + std::to_string(step));
    }
    return {};
}

inline std::uint64_t last_told(const std::vector<std::string>& lines) {
    std::uint64_t last = 0;
    for (const std::string& line : lines) last = std::max<std::uint64_t>(last, std::stoull(line.substr(5)));
    return last;
}

/// Asks for everything, for all that is new, and for what was there in the last steps. @return "" or the first wrong answer.
template <class Search>
std::string compare(Search& index, const Model& model, std::uint64_t steps_max) {
    const auto ask = [&](const std::string& text) -> Result<std::set<std::string>> {
        const auto hits = SYMPHONY_TRY(index.search({.text = text, .limit = 100, .facets = 10, .excerpt_bytes = 60}));
        std::set<std::string> ids;
        for (const auto& hit : hits.hits) ids.insert(hit.id);
        return ids;
    };
    std::map<std::string, std::set<std::string>> wanted{{"", {}}, {"common", {}}, {"\"common words\"*", {}}, {"type:text/plain", {}}};
    for (std::uint64_t step = steps_max - std::min<std::uint64_t>(steps_max, 30); step <= steps_max; ++step) {
        for (const char* field : {"name:number", "words", "tag:step"}) wanted[field + std::to_string(step)];
    }
    for (const auto& [id, step] : model.documents) {
        for (const char* all : {"", "common", "\"common words\"*", "type:text/plain"}) wanted[all].insert(id);
        for (const char* field : {"name:number", "words", "tag:step"}) wanted[field + std::to_string(step)].insert(id);
    }
    for (const auto& [text, ids] : wanted) {
        const auto found = ask(text);
        if (!found) return "query " + text + ": " + found.error().message();
        if (*found != ids) return "query " + text + ": " + std::to_string(found->size()) + " documents instead of " + std::to_string(ids.size());
    }
    return {};
}

struct Left {
    std::string problem;    ///< "" when there is none
    std::uint64_t step = 0; ///< where it is now
    bool rebuilt = false;   ///< it said that it is damaged, and was cleared and fed again
};

/// Looks at what is there. It has to be what step `acknowledged` left or, when that was begun, the next one; and has to go on from there.
/// @param may_be_damaged  Whether it may say so instead, when it can then be made anew.
template <class Search>
Left check_left(Search& index, std::uint64_t acknowledged, bool may_be_damaged = false) {
    Left left{.step = acknowledged};
    const auto wrong = [&](std::string problem) {
        left.problem = "after step " + std::to_string(acknowledged) + ", at " + std::to_string(left.step) + ": " + problem;
        return left;
    };
    const auto status = index.status();
    if (!status && may_be_damaged && status.error().reason() == "index-damaged") {
        left.rebuilt = true;
        if (const Status cleared = index.clear(); !cleared) return wrong("cannot be cleared: " + cleared.error().message());
        if (const Status done = work(index, 1, acknowledged, [](const std::string&) {}); !done) return wrong("cannot be fed again: " + done.error().message());
    } else {
        if (!status) return wrong(status.error().message());
        const auto is_after = [&](std::uint64_t steps) {
            const Model model = after(steps);
            return model.feed == status->feed && model.watermark == status->watermark && model.documents.size() == status->documents;
        };
        if (!is_after(left.step) && !is_after(++left.step)) {
            return wrong("it has " + status->feed + " " + std::to_string(status->watermark) + " with " + std::to_string(status->documents) + " documents");
        }
    }
    if (const std::string problem = compare(index, after(left.step), left.step + 1); !problem.empty()) return wrong(problem);
    left.step += 2;
    if (const Status done = work(index, left.step - 1, 2, [](const std::string&) {}); !done) return wrong("going on: " + done.error().message());
    if (const std::string problem = compare(index, after(left.step), left.step); !problem.empty()) return wrong("going on: " + problem);
    return left;
}

} // namespace symphony::search

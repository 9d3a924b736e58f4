// SPDX-License-Identifier: Apache-2.0
#include "problems.hpp"

#include "display_path.hpp"

#include <algorithm>

namespace files {

namespace {
constexpr std::size_t problems_max = 10'000;
}

void Problems::add(Problem problem) {
    if (list_.size() == problems_max) ++dropped_;
    else list_.push_back(std::move(problem));
}

void Problems::add(std::string_view path, const symphony::Error& error) {
    if (error.code() == symphony::Code::not_found) {
        add({std::string(path), "error", "vanished", "was there a moment ago and is gone", "run again when nothing changes the folder"});
        return;
    }
    add({std::string(path), "error", std::string(error.reason()), error.message(), error.hint()});
}

void Problems::write(symphony::ValueBuilder& out) {
    std::stable_sort(list_.begin(), list_.end(), [](const Problem& a, const Problem& b) { return a.path < b.path; });
    out.key("problems").list(list_.size() + 1);
    for (const Problem& problem : list_) {
        out.map(5).add("path", shown(problem.path)).add("severity", problem.severity).add("reason", problem.reason);
        out.add("message", problem.message).add("hint", problem.hint).end();
    }
    if (dropped_ > 0) {
        out.map(5).add("path", "").add("severity", "warning").add("reason", "too-many-problems");
        out.add("message", std::to_string(dropped_) + " more problems are not listed").add("hint", "exclude what is not wanted").end();
    }
    out.end();
}

} // namespace files

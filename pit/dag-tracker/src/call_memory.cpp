// SPDX-License-Identifier: Apache-2.0
#include "call_memory.hpp"

namespace symphony::tracker {

std::string_view name_of(Recall recall) noexcept {
    switch (recall) {
    case Recall::unknown: return "unknown";
    case Recall::hit: return "hit";
    case Recall::hit_in_run: return "hit-in-run";
    case Recall::first: return "first";
    case Recall::differs: return "differs";
    case Recall::expired: return "expired";
    case Recall::lost: return "lost";
    case Recall::not_pure: return "not-pure";
    case Recall::node_says_no: return "node-says-no";
    case Recall::run_says_no: return "run-says-no";
    case Recall::unavailable: return "unavailable";
    case Recall::recorded: return "recorded";
    }
    return "unknown";
}

std::string words_of(const CallNote& note) {
    switch (note.recall) {
    case Recall::unknown: return "not on record";
    case Recall::hit: return "hit";
    case Recall::hit_in_run: return "hit: the same call was answered in this run";
    case Recall::first: return "never run before";
    case Recall::differs: return note.difference ? words_of(*note.difference) + " differs" : std::string("differs");
    case Recall::expired: return "the answer was older than ttl allows";
    case Recall::lost: return "the answer was lost: it is damaged, or its artifact is gone";
    case Recall::not_pure: return "not cached: operation is not pure";
    case Recall::node_says_no: return "not cached: the node says cache = \"never\"";
    case Recall::run_says_no: return "not cached: the run was told not to";
    case Recall::unavailable: return "not cached: the cache could not be used";
    case Recall::recorded: return "answered from the record";
    }
    return {};
}

} // namespace symphony::tracker

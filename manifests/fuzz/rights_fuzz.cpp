// SPDX-License-Identifier: Apache-2.0
#include <symphony/manifests/rights.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <optional>

namespace {

using namespace symphony::manifests;

void require(bool holds, const char* what, std::string_view text) {
    if (holds) return;
    std::fprintf(stderr, "%s: %.*s\n", what, static_cast<int>(text.size()), text.data());
    std::abort();
}

/// Whoever is read has one text, which reads back, and which nothing can hide in.
void try_right(const Right& right) {
    const auto again = Right::parse(right.text());
    require(again && *again == right && again->text() == right.text(), "does not read back", right.text());
    require(right.covers(right) && right.overlaps(right), "is not in itself", right.text());
    require(again->covers(right) && right.covers(*again), "two texts, two sets", right.text());
    for (const char c : right.text()) require(static_cast<unsigned char>(c) >= 0x20 && c != 0x7F, "a control character", right.text());
    const bool upwards = right.text().find("/../") != std::string::npos || right.text().ends_with("/..");
    require(right.kind() != RightKind::file || !upwards, "leads upwards", right.text());
    require(RightSet({right}).rights().size() == 1 && RightSet({right}).covers(right), "is no set", right.text());
    require(!in_words(right).empty(), "says nothing", right.text());
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    std::optional<Right> first, second;
    const auto half = text.find('\n');
    if (auto right = Right::parse(text.substr(0, half))) first = *std::move(right);
    if (auto right = Right::parse(half == std::string_view::npos ? text : text.substr(half + 1))) second = *std::move(right);
    for (const auto& one : {first, second}) {
        if (one) try_right(*one);
    }
    if (first && second) {
        if (first->covers(*second)) require(first->overlaps(*second), "covers without overlap", text);
        require(first->overlaps(*second) == second->overlaps(*first), "overlap has a direction", text);
        const RightSet both({*first, *second});
        // Patterns may be too slow to compare; a single object never is.
        if (first->is_single()) require(both.covers(*first), "the set lost one", text);
        require(RightSet({*second, *first}).text() == both.text(), "order matters", text);
        static_cast<void>(diff(RightSet({*first}), both));
    }
    for (const auto kind : {CapabilityKind::model_access, CapabilityKind::network_access, CapabilityKind::file_access, CapabilityKind::process_exec,
                            CapabilityKind::system_access, CapabilityKind::ipc_access}) {
        if (const auto right = Right::parse(kind, text)) try_right(*right);
    }
    if (const auto file = Right::file(FileAccess::write, "cache", text)) {
        require(file->is_single(), "an object with a wildcard", file->text());
        const auto again = Right::parse(file->text());
        if (again) require(*again == *file && again->covers(*file), "an object reads back as another", file->text()); // else it is longer than a right may be
    }
    if (const auto host = Right::network(text, 443)) {
        require(host->is_single(), "a host with a wildcard", host->text());
        try_right(*host);
    }
    for (const auto kind : {RightKind::model, RightKind::system, RightKind::process, RightKind::ipc}) {
        const auto named = Right::named(kind, text);
        if (named) require(named->is_single(), "a name with a wildcard", named->text());
    }
    return 0;
}

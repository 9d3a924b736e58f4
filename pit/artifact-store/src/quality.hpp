// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "session.hpp"

#include <symphony/ports/artifact_store.hpp>

namespace symphony::store {

/// What the built-in score looks at.
struct QualityFacts {
    ArtifactInfo info;
    Buffer beginning;         ///< of the content, at most Quality::beginning_bytes_max
    std::uint64_t outputs = 0; ///< artifacts that were made from it
    std::uint64_t later_versions = 0;
};

/// The weighted mean of structure (0.4), completeness (0.35) and use (0.25); docs/quality.md has the formula. Pure.
ports::QualityReport built_in_score(const QualityFacts& facts);

/// Scores artifacts: built in, or by the operator that Settings::quality_operator names. [any thread, blocks]
class Quality {
public:
    static constexpr std::size_t beginning_bytes_max = 1u << 20;

    explicit Quality(const Session& session) : session_(session) {}
    Result<ports::QualityReport> assess(Store& store, const ArtifactInfo& info, const Call* parent) const;

private:
    Result<ports::QualityReport> ask_operator(const QualityFacts& facts, const Call* parent) const;
    const Session& session_;
};

} // namespace symphony::store

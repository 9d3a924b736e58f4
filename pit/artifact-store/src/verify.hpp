// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "engine.hpp"

#include <random>
#include <unordered_map>

namespace symphony::store {

/// Reads back what packs hold and compares it with the index. [one thread]
class Verifier {
public:
    Verifier(Engine& engine, const VerifyOptions& options, ProgressFn progress)
        : engine_(engine), depth_(options.depth), sample_(options.sample), progress_(std::move(progress)), random_(options.seed) {}

    Result<VerifyReport> run();
    Status pack(Index& index, const PackRow& row);
    /// @return False when the blob is damaged, which is a finding then.
    Result<bool> blob(const PackFile& pack, std::uint64_t offset, const Frame& frame);
    /// Looks whether every artifact has its chunks, and gives findings the names of the artifacts that need them.
    Status artifacts(Index& index);
    void find(const Error& error, std::string where, const std::optional<Digest>& blob);

    const VerifyReport& report() const noexcept { return report_; }
    /// Artifacts that cannot be read whole, with the names that people know them by.
    const std::vector<std::pair<ContentId, std::string>>& lost() const noexcept { return lost_; }

private:
    Status one_pack(Index& index, const PackId& id);
    Status beyond_the_index();
    Status beyond_the_index(Index& index, const Entry& file, const std::string& path);
    Status tell(std::string_view stage, std::uint64_t done, std::uint64_t total);
    Status artifact(Index& index, const ContentId& id, const ArtifactRecord& record);

    Engine& engine_;
    Depth depth_;
    double sample_;
    ProgressFn progress_;
    std::mt19937_64 random_;
    std::uniform_real_distribution<double> chance_{0.0, 1.0};
    VerifyReport report_;
    std::unordered_map<Digest, std::vector<std::size_t>, DigestHash> damaged_; ///< blob to its findings
    std::set<std::int64_t> broken_packs_;
    std::vector<std::pair<ContentId, std::string>> lost_;
};

} // namespace symphony::store

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "background.hpp"
#include "quality.hpp"

#include <symphony/ports/artifact_store.hpp>

namespace symphony::store {

/// artifact-store/1 over the plugin's own store. Concurrent calls are the store's to sort out.
class Service : public ports::ArtifactStore {
public:
    static constexpr std::uint64_t call_bytes_max = 64ull << 20;

    explicit Service(Host host);

    Result<ports::ArtifactInfo> put(Call& call, const Buffer& content, const ports::PutOptions& options) final;
    Result<ports::Upload> begin_put(Call& call, const ports::PutOptions& options) final;
    Result<std::uint64_t> append_put(Call& call, std::string_view handle, std::uint64_t offset, const Buffer& part) final;
    Result<ports::ArtifactInfo> finish_put(Call& call, std::string_view handle, std::uint64_t size) final;
    Result<void> abandon_put(Call& call, std::string_view handle) final;
    Result<Buffer> get(Call& call, std::string_view id, std::uint64_t offset, std::uint64_t size) final;
    Result<ports::ArtifactInfo> stream(Call& call, std::string_view id, std::uint64_t offset, std::uint64_t size, std::uint32_t part_bytes) final;
    Result<ports::ArtifactInfo> info(Call& call, std::string_view id) final;
    Result<std::vector<ports::ArtifactVersion>> history(Call& call, std::string_view name, std::uint32_t before, std::uint32_t limit) final;
    Result<ports::VersionPage> names(Call& call, std::string_view prefix, std::string_view after, std::uint32_t limit) final;
    Result<ports::ArtifactPage> list(Call& call, const ports::ArtifactFilter& filter, std::string_view after, std::uint32_t limit) final;
    Result<ports::ArtifactHits> find(Call& call, const ports::ArtifactQuery& query) final;
    Result<void> tag(Call& call, std::string_view id, const std::vector<std::string>& add, const std::vector<std::string>& remove) final;
    Result<std::vector<ports::LineageNode>> lineage(Call& call, std::string_view id, std::uint8_t direction, std::uint32_t depth, std::uint32_t limit) final;
    Result<ports::ArtifactDifference> diff(Call& call, std::string_view a, std::string_view b) final;
    Result<ports::QualityReport> assess(Call& call, std::string_view id) final;
    Result<void> set_quality(Call& call, std::string_view id, double quality) final;
    Result<void> pin(Call& call, std::string_view id, bool pinned) final;
    Result<void> hold(Call& call, std::string_view id, bool held, std::string_view reason) final;
    Result<void> refer(Call& call, std::string_view holder, std::string_view id, bool soft) final;
    Result<void> unrefer(Call& call, std::string_view holder, std::string_view id) final;
    Result<std::uint64_t> lease(Call& call, std::string_view id, std::uint64_t time_ms) final;
    Result<void> renew(Call& call, std::uint64_t lease, std::uint64_t time_ms) final;
    Result<void> release(Call& call, std::uint64_t lease) final;
    Result<void> remove(Call& call, std::string_view id) final;
    Result<std::vector<ports::ArtifactChange>> changes(Call& call, std::uint64_t after, std::uint32_t limit) final;
    Result<ports::StoreStats> stats(Call& call) final;
    Result<ports::CollectReport> collect(Call& call, const ports::CollectOptions& options) final;
    Result<ports::VerifyReport> verify(Call& call, const ports::VerifyOptions& options) final;
    Result<ports::RepairReport> repair(Call& call) final;

    /// Nothing of it runs afterwards; idempotent.
    Status quiesce(std::uint64_t deadline_ns);
    Status deactivate();

protected:
    /// Opened for reading, or writing; the thread beside the calls runs from then on.
    Result<std::shared_ptr<Store>> reading();
    Result<std::shared_ptr<Store>> writing(const Call& call, bool make = false);
    Session& session() noexcept { return session_; }

private:
    Session session_;
    Feeder feeder_;
    Quality quality_;
    Uploads uploads_;
    Background background_; // goes first: it looks at all of them
};

/// The secret of the plugin's configuration, if somebody has set it.
SecretSource configured_secret(Host host);
/// Tells the caller how far long work is, and hears when it gives up.
ProgressFn progress_of(const Call& call);
/// Waits for the writer's lock as long as the configuration says.
Patience patience_of(const Call& call, const Settings& settings);

} // namespace symphony::store

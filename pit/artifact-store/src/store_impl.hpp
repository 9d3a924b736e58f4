// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "engine.hpp"

namespace symphony::store {

/// Larger contents go to packs of their own, so that a small put never waits for the sync of a large one.
constexpr std::size_t journal_content_max = 1 << 20;

/// A content that is cut, hashed and in the packs (or on its way), and needs only its record.
struct Content {
    ContentId id;
    std::uint64_t size = 0;
    std::uint64_t chunks = 0;
    bool lists = false;
    std::vector<Part> parts;
    std::vector<NewBlob> blobs; ///< that go into the journal with the record
};

class StoreImpl final : public Store {
public:
    explicit StoreImpl(std::unique_ptr<Engine> engine) : engine_(std::move(engine)) {}
    ~StoreImpl() override;
    Status close() override { return engine_->close(); }
    Description description() const override { return engine_->header().description(); }

    Result<ArtifactInfo> put(Bytes content, const PutOptions& options) override;
    std::vector<Result<ArtifactInfo>> put_group(std::span<const PutItem> items) override;
    Result<std::unique_ptr<PutStream>> begin_put(const PutOptions& options) override;
    Result<Buffer> get(const ContentId& id, std::uint64_t offset, std::uint64_t size, std::uint64_t size_max) override;
    Result<std::unique_ptr<GetStream>> open_get(const ContentId& id) override;

    Result<ArtifactInfo> info(std::string_view id_or_name) override;
    Result<ArtifactInfo> info(const ContentId& id) override;
    Result<std::vector<Version>> history(std::string_view name, std::uint32_t limit, std::uint32_t before) override;
    Result<Page<Version>> names(std::string_view prefix, std::string_view after, std::uint32_t limit) override;
    Result<Page<ArtifactInfo>> list(const Filter& filter, std::string_view after, std::uint32_t limit) override;
    Result<std::vector<LineageNode>> lineage(const ContentId& id, Direction direction, std::uint32_t depth, std::uint32_t limit) override;
    Result<Difference> diff(const ContentId& a, const ContentId& b) override;
    Status tag(const ContentId& id, std::span<const std::string> add, std::span<const std::string> remove) override;
    Status set_quality(const ContentId& id, double quality) override;
    Status set_pinned(const ContentId& id, bool pinned) override;
    Status set_hold(const ContentId& id, bool held, std::string_view reason) override;
    Status refer(std::string_view holder, const ContentId& id, bool soft) override;
    Status unrefer(std::string_view holder, const ContentId& id) override;
    Result<LeaseId> lease(const ContentId& id, std::chrono::milliseconds time) override;
    Status renew(LeaseId lease, std::chrono::milliseconds time) override;
    Status release(LeaseId lease) override;
    Status remove(const ContentId& id) override;
    Result<std::vector<Change>> changes(std::uint64_t after, std::uint32_t limit) override;
    Result<std::uint64_t> last_sequence() override;
    Result<Stats> stats() override;
    Status set_quota(Quota quota) override;

    Result<CollectReport> collect(const CollectOptions& options, const ProgressFn& progress) override;
    Result<VerifyReport> verify(const VerifyOptions& options, const ProgressFn& progress) override;
    Result<ScrubReport> scrub_step(const ScrubBudget& budget) override;
    Result<TransferReport> export_bundle(std::span<const ContentId> ids, const Sink& sink, const ProgressFn& progress) override;
    Result<TransferReport> import_bundle(const Source& source, const ProgressFn& progress) override;
    Result<TransferReport> pull(Store& other, const ProgressFn& progress) override;
    Result<KeySlot> add_key(const Secret& secret, std::string_view label, PassphraseCost cost) override;
    Status remove_key(std::string_view slot) override;
    Result<std::vector<std::string>> rotate(const Secret& secret, const ProgressFn& progress) override;

    Engine& engine() noexcept { return *engine_; }
    /// What writes the record of a content and its version, and the blobs that are not in packs yet. All three outlive it.
    Work content_work(const Content& content, const PutOptions& options, ArtifactInfo& info);
    /// Does it.
    Result<ArtifactInfo> commit_content(const Content& content, const PutOptions& options);
    /// Cuts and hashes a content that is in memory.
    Content prepare(Bytes content) const;
    /// A known artifact in front of `change`; the record is written when it says so.
    Status change_artifact(const ContentId& id, Action action, std::string detail, const std::function<Result<bool>(ArtifactRecord&)>& change);

private:
    std::unique_ptr<Engine> engine_;
};

Error unknown_artifact(const std::string& what);
/// The parts of an artifact that hold chunks, one list at a time. Ends early when `each` says false.
Status for_each_chunk(Engine& engine, Index& index, const ArtifactRecord& record, const std::function<Result<bool>(const Part&)>& each);
/// "NAME@VERSION" of an artifact, or its id.
std::string spoken_name(Index& index, const ContentId& id);

} // namespace symphony::store

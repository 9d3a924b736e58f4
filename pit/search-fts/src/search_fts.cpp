// SPDX-License-Identifier: Apache-2.0
#include "search_fts.hpp"

namespace symphony::search {

namespace {

constexpr const char* database_name = "index.db";

} // namespace

Status SearchFts::activate() {
    folder_ = std::make_unique<sqlite_files::HostFolder>(SYMPHONY_TRY(host_.files()), "state", "");
    storage_ = SYMPHONY_TRY(Storage::in(*folder_, database_name));
    IndexOptions options;
    options.text_bytes_max = host_.config()["text_size_max"].as_uint(options.text_bytes_max);
    options.ranked_max = host_.config()["ranked_max"].as_uint(options.ranked_max);
    index_.emplace(*storage_, options);
    return {};
}

Status SearchFts::deactivate() {
    index_.reset();
    storage_.reset();
    folder_.reset();
    return {};
}

Result<void> SearchFts::index(Call&, const std::vector<ports::Document>& documents) { return index_->index(documents); }
Result<void> SearchFts::remove(Call&, const std::vector<std::string>& ids) { return index_->remove(ids); }
Result<void> SearchFts::commit(Call&, std::string_view feed, std::uint64_t watermark) { return index_->commit(feed, watermark); }
Result<ports::IndexStatus> SearchFts::status(Call&) { return index_->status(); }
Result<void> SearchFts::clear(Call&) { return index_->clear(); }

Result<ports::Hits> SearchFts::search(Call& call, const ports::Query& query) {
    const std::uint64_t time_max_ms = host_.config()["query_time_max"].as_uint(2000);
    const std::uint64_t last_ns = host_.now_ns() + time_max_ms * 1'000'000;
    return index_->search(query, [&] { return call.cancelled() || host_.now_ns() > last_ns; });
}

} // namespace symphony::search

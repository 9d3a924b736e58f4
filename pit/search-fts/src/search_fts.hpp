// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "index.hpp"

#include <symphony/ports/search.hpp>
#include <symphony/sqlite_files/host_folder.hpp>

#include <memory>
#include <optional>

namespace symphony::search {

/// search/1 over an Index in the plugin's own folder. One call at a time: the host sees to it.
class SearchFts final : public ports::Search {
public:
    explicit SearchFts(Host host) : host_(host) {}

    Status activate();
    Status deactivate();

    Result<void> index(Call& call, const std::vector<ports::Document>& documents) override;
    Result<void> remove(Call& call, const std::vector<std::string>& ids) override;
    Result<ports::Hits> search(Call& call, const ports::Query& query) override;
    Result<void> commit(Call& call, std::string_view feed, std::uint64_t watermark) override;
    Result<ports::IndexStatus> status(Call& call) override;
    Result<void> clear(Call& call) override;

private:
    Host host_;
    std::unique_ptr<sqlite_files::HostFolder> folder_;
    std::unique_ptr<Storage> storage_;
    std::optional<Index> index_; // goes before the files it is in
};

} // namespace symphony::search

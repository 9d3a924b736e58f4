// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "isolation.hpp"
#include "plugin_source.hpp"

#include <symphony/ports/search.hpp>

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

/// The built providers of search/1 as a host runs them, for tests and benchmarks over both.
namespace symphony::search_tests {

/// One provider, started by a host of its own over a folder of state. Plugin and folder outlive it; it can be made again.
class Provider {
public:
    /// @param isolation  null: in this process.
    static Result<std::unique_ptr<Provider>> start(std::string_view plugin, const std::filesystem::path& folder, host::Isolation* isolation = nullptr) {
        auto made = std::unique_ptr<Provider>(new Provider);
        made->catalog_ = std::make_unique<host::Catalog>(host::Catalog::open({{SYMPHONY_SEARCH_PLUGINS, host::Origin::flag}}, ""));
        made->resolution_ = std::make_unique<host::Resolution>(host::resolve(*made->catalog_));
        made->plugins_ = std::make_unique<host::Plugins>(*made->catalog_, *made->resolution_);
        host::RuntimeOptions options;
        options.state_dir = folder / "state";
        options.cache_dir = folder / "cache";
        options.isolation = isolation;
        options.placement.in_process_all = isolation == nullptr;
        options.start_timeout = std::chrono::seconds(60);
        options.on_event = [raw = made.get()](const host::Event& event) {
            if (event.kind == host::Event::Kind::misuse || event.kind == host::Event::Kind::crashed || event.kind == host::Event::Kind::wedged) raw->misuse_ = event.text;
        };
        made->runtime_.emplace(SYMPHONY_TRY(host::Runtime::create(*made->plugins_, options)));
        made->port_ = SYMPHONY_TRY(made->runtime_->acquire("search/1", plugin));
        return made;
    }

    Status index(const std::vector<ports::Document>& documents) { return told(call<ports::Document>(1, documents)); }
    Status remove(const std::vector<std::string>& ids) { return told(call<ports::Document>(2, ids)); }
    Result<ports::Hits> search(const ports::Query& query) { return call<ports::Hits>(3, query); }
    Status commit(std::string_view feed, std::uint64_t watermark) { return told(call<ports::Document>(4, feed, watermark)); }
    Result<ports::IndexStatus> status() { return call<ports::IndexStatus>(5); }
    Status clear() { return told(call<ports::Document>(6)); }
    /// Ends the plugin as the host does at its own end.
    void stop() { runtime_.reset(); }
    /// What the plugin did that it must not do, "" for nothing.
    const std::string& misuse() const { return misuse_; }

private:
    Provider() = default;
    template <class T>
    static Status told(const Result<T>& result) {
        if (!result) return result.error();
        return {};
    }
    /// Methods without a result answer an empty record, which reads as an empty `Out`.
    template <class Out, class... Args>
    Result<Out> call(std::uint32_t method, const Args&... args) {
        WireWriter record;
        detail::write_fields(record, args...);
        const host::Reply reply = SYMPHONY_TRY(runtime_->call(port_, method, {record.buffers(), record.buffer_count()}));
        std::vector<symphony_buf> parts;
        for (const auto& buffer : reply) parts.push_back(buffer.to_c());
        WireReader reader(parts.data(), static_cast<std::uint32_t>(parts.size()), WireKeep::own);
        Out out;
        detail::read_fields(reader, out);
        reader.finish();
        SYMPHONY_TRY(reader.status());
        return out;
    }

    std::string misuse_;
    std::unique_ptr<host::Catalog> catalog_;
    std::unique_ptr<host::Resolution> resolution_;
    std::unique_ptr<host::Plugins> plugins_;
    std::optional<host::Runtime> runtime_; // first to go
    host::PortHandle port_;
};

} // namespace symphony::search_tests

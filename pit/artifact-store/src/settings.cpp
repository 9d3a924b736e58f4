// SPDX-License-Identifier: Apache-2.0
#include "settings.hpp"

namespace symphony::store {

Settings settings_of(const Value& config) {
    Settings out;
    const auto text = [&](std::string_view key, std::string otherwise) {
        return config[key].is_text() ? std::string(config[key].as_text()) : std::move(otherwise);
    };
    const auto time = [&](std::string_view key, std::chrono::milliseconds otherwise) {
        return std::chrono::milliseconds(config[key].as_int(otherwise.count()));
    };
    out.path = text("path", out.path);
    out.durability = text("durability", "durable") == "relaxed" ? Durability::relaxed : Durability::durable;
    out.quota.bytes = config["quota"].as_uint(0);
    out.quota.artifacts = config["quota_artifacts"].as_uint(0);
    out.trash_keep = time("trash_keep", out.trash_keep);
    out.put_lease = time("put_lease", out.put_lease);
    out.upload_idle = time("upload_idle", out.upload_idle);
    out.lock_wait = time("lock_wait", out.lock_wait);
    out.idle_close = time("idle_close", out.idle_close);
    out.scrub_every = time("scrub_every", out.scrub_every);
    out.scrub_bytes = config["scrub_budget"].as_uint(out.scrub_bytes);
    out.cache_bytes = config["cache_size"].as_uint(out.cache_bytes);
    out.index_encrypted = config["index_encrypted"].as_bool(false);
    out.search_provider = text("search_provider", {});
    out.quality_operator = text("quality_operator", {});
    return out;
}

} // namespace symphony::store

// SPDX-License-Identifier: Apache-2.0
#include "artifact_values.hpp"

#include <symphony/ports/artifact_store.hpp>

#include <algorithm>
#include <cstring>
#include <map>
#include <mutex>

namespace symphony::tracker {
namespace {

using namespace std::chrono_literals;
using ports::ArtifactStoreClient;

constexpr std::uint64_t part_bytes = 8u << 20;        // what one call carries
constexpr std::uint64_t put_bytes_max = 32u << 20;    // more goes in parts
// What was put is kept for at least an hour without a reference (artifact-store/1, PutOptions). So long the same value is not put again.
constexpr std::uint64_t known_ns = 30ull * 60 * 1'000'000'000;
constexpr std::size_t known_max = 4096;

class ArtifactValues final : public ValueStore {
public:
    explicit ArtifactValues(const Host& host) : host_(host) {}

    Status keep(std::string_view holder, bool soft, const Digest& digest, const Value& value) override {
        const auto store = SYMPHONY_TRY(client());
        const std::string id = hex_of(digest);
        if (is_known(digest) && store->refer(holder, id, soft)) return {};
        const std::string stored = SYMPHONY_TRY(put(*store, value));
        if (stored != id) return Error(Code::plugin_failed, "wrong-digest", "the artifact store answered another digest than that of the content", "symphony artifact verify");
        SYMPHONY_TRY(store->refer(holder, id, soft));
        remember(digest);
        return {};
    }

    Result<Value> get(const Digest& digest, std::uint64_t size) override {
        const std::string id = hex_of(digest);
        auto bytes = read(id, size);
        if (bytes) return checked_value(*std::move(bytes), digest);
        const Error& why = bytes.error();
        const bool missing = why.code() == Code::not_found || why.code() == Code::invalid_argument;
        return Error(missing ? Code::not_found : why.code(), missing ? "output-missing" : why.reason(),
                     "an output that was stored as artifact " + id.substr(0, 12) + " cannot be read: " + std::string(why.message()),
                     why.hint().empty() ? "symphony artifact verify" : std::string(why.hint()));
    }

    Status drop(std::string_view holder, const Digest& digest) override {
        const auto store = SYMPHONY_TRY(client());
        {
            const std::lock_guard lock(mutex_);
            known_.erase(digest);
        }
        return store->unrefer(holder, hex_of(digest));
    }

private:
    Result<std::shared_ptr<ArtifactStoreClient>> client() {
        const std::lock_guard lock(mutex_);
        if (client_ == nullptr) client_ = std::make_shared<ArtifactStoreClient>(SYMPHONY_TRY(ArtifactStoreClient::acquire(host_)));
        return client_;
    }

    static Result<std::string> put(const ArtifactStoreClient& store, const Value& value) {
        ports::PutOptions options;
        options.media_type = "application/msgpack";
        options.type = "step-output";
        const Buffer bytes = value.buffer();
        if (bytes.size() <= put_bytes_max) return SYMPHONY_TRY(store.put(bytes, options)).id;
        const ports::Upload upload = SYMPHONY_TRY(store.begin_put(options));
        for (std::uint64_t at = 0; at < bytes.size(); at += part_bytes) {
            const auto size = std::min<std::uint64_t>(part_bytes, bytes.size() - at);
            if (auto appended = store.append_put(upload.handle, at, bytes.slice(at, size)); !appended) {
                static_cast<void>(store.abandon_put(upload.handle));
                return std::move(appended).error();
            }
        }
        return SYMPHONY_TRY(store.finish_put(upload.handle, bytes.size())).id;
    }

    Result<Buffer> read(const std::string& id, std::uint64_t size) {
        const auto store = SYMPHONY_TRY(client());
        if (size <= part_bytes) return store->get(id, 0, size);
        // The size is that of a journal's row, which may be damaged: what the store has is what is made room for.
        if (const auto info = SYMPHONY_TRY(store->info(id)); info.size != size) {
            return Error(Code::data_corrupt, "output-damaged", "it has " + std::to_string(info.size) + " bytes and not " + std::to_string(size));
        }
        Buffer all = Buffer::make(size);
        const auto to = all.writable();
        for (std::uint64_t at = 0; at < size; at += part_bytes) {
            const auto wanted = std::min(part_bytes, size - at);
            const Buffer part = SYMPHONY_TRY(store->get(id, at, wanted));
            if (part.size() != wanted) return Error(Code::data_corrupt, "output-damaged", "a range of it has another size than was asked for");
            std::memcpy(to.data() + at, part.data(), wanted);
        }
        return all;
    }

    bool is_known(const Digest& digest) {
        const std::lock_guard lock(mutex_);
        const auto at = known_.find(digest);
        return at != known_.end() && host_.now_ns() - at->second < known_ns;
    }
    void remember(const Digest& digest) {
        const std::lock_guard lock(mutex_);
        if (known_.size() >= known_max) known_.clear();
        known_.insert_or_assign(digest, host_.now_ns());
    }

    const Host host_;
    std::mutex mutex_;
    std::shared_ptr<ArtifactStoreClient> client_;
    std::map<Digest, std::uint64_t> known_;  // what was put, and when
};

} // namespace

std::shared_ptr<ValueStore> artifact_values(const Host& host) { return std::make_shared<ArtifactValues>(host); }

} // namespace symphony::tracker

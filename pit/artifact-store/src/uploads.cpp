// SPDX-License-Identifier: Apache-2.0
#include "uploads.hpp"

#include <sys/random.h>

#include <array>
#include <cerrno>
#include <functional>

namespace symphony::store {
namespace {

Error unknown_upload() {
    return {Code::not_found, "unknown-upload", "there is no such upload: it was finished, abandoned or idle for too long", "begin it again with begin_put"};
}

/// 128 bits that nobody can guess, in hexadecimal digits.
Result<std::string> random_handle() {
    std::array<unsigned char, 16> bytes{};
    std::size_t done = 0;
    while (done < bytes.size()) {
        const ssize_t n = ::getrandom(bytes.data() + done, bytes.size() - done, 0);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return Error(Code::io, "no-random", "the system gives no random numbers");
        done += static_cast<std::size_t>(n);
    }
    constexpr std::string_view digits = "0123456789abcdef";
    std::string out;
    for (const unsigned char byte : bytes) {
        out += digits[byte >> 4];
        out += digits[byte & 15];
    }
    return out;
}

} // namespace

std::shared_ptr<Uploads::Upload> Uploads::find(std::string_view handle) const {
    const std::lock_guard lock(mutex_);
    const auto found = uploads_.find(handle);
    return found == uploads_.end() ? nullptr : found->second;
}

void Uploads::forget(std::string_view handle) {
    const std::lock_guard lock(mutex_);
    if (const auto found = uploads_.find(handle); found != uploads_.end()) uploads_.erase(found);
}

Result<std::string> Uploads::begin(std::shared_ptr<Store> store, const PutOptions& options) {
    sweep(Clock::now());
    auto upload = std::make_shared<Upload>();
    upload->stream = SYMPHONY_TRY(store->begin_put(options));
    upload->store = std::move(store);
    upload->last_use = Clock::now();
    std::string handle = SYMPHONY_TRY(random_handle());
    const std::lock_guard lock(mutex_);
    if (uploads_.size() >= uploads_max) {
        return Error(Code::exhausted, "too-many-uploads", std::to_string(uploads_max) + " uploads are under way", "finish or abandon one of them");
    }
    uploads_.emplace(handle, std::move(upload));
    return handle;
}

Result<std::uint64_t> Uploads::append(std::string_view handle, std::uint64_t offset, Bytes part) {
    if (part.size() > part_bytes_max) {
        return Error(Code::exhausted, "too-large", "a part of " + std::to_string(part.size()) + " bytes, at most " + std::to_string(part_bytes_max));
    }
    const auto upload = find(handle);
    if (upload == nullptr) return unknown_upload();
    const std::lock_guard lock(upload->mutex);
    if (upload->stream == nullptr) return unknown_upload();
    upload->last_use = Clock::now();
    const std::size_t hash = std::hash<std::string_view>{}(text_of(part));
    if (offset == upload->last_offset && part.size() == upload->last_size && hash == upload->last_hash && offset != upload->size) {
        return upload->size; // the answer was lost, and the part is here already
    }
    if (offset != upload->size) {
        return Error(Code::conflict, "wrong-offset", "the part begins at " + std::to_string(offset) + ", and " + std::to_string(upload->size) + " bytes are there");
    }
    if (auto taken = upload->stream->append(part); !taken) {
        upload->stream.reset();
        upload->store.reset();
        forget(handle);
        return std::move(taken).error();
    }
    upload->last_offset = offset;
    upload->last_size = part.size();
    upload->last_hash = hash;
    upload->size += part.size();
    return upload->size;
}

Result<ArtifactInfo> Uploads::finish(std::string_view handle, std::uint64_t size) {
    const auto upload = find(handle);
    if (upload == nullptr) return unknown_upload();
    const std::lock_guard lock(upload->mutex);
    if (upload->stream == nullptr) return unknown_upload();
    upload->last_use = Clock::now();
    if (size != upload->size) {
        return Error(Code::conflict, "wrong-offset", "the content has " + std::to_string(size) + " bytes, and " + std::to_string(upload->size) + " are there");
    }
    const auto store = std::move(upload->store); // outlives its stream
    const auto stream = std::move(upload->stream);
    forget(handle);
    return stream->finish();
}

void Uploads::abandon(std::string_view handle) {
    const auto upload = find(handle);
    if (upload == nullptr) return;
    forget(handle);
    const std::lock_guard lock(upload->mutex);
    if (upload->stream != nullptr) upload->stream->abandon();
    upload->stream.reset();
    upload->store.reset();
}

void Uploads::sweep(Clock::time_point now) {
    std::vector<std::string> handles;
    {
        const std::lock_guard lock(mutex_);
        for (const auto& [handle, upload] : uploads_) {
            // One that is being appended to is not idle.
            const std::unique_lock busy(upload->mutex, std::try_to_lock);
            if (busy && now - upload->last_use > idle_max_) handles.push_back(handle);
        }
    }
    for (const std::string& handle : handles) abandon(handle);
}

void Uploads::abandon_all() {
    std::vector<std::string> handles;
    {
        const std::lock_guard lock(mutex_);
        for (const auto& [handle, upload] : uploads_) handles.push_back(handle);
    }
    for (const std::string& handle : handles) abandon(handle);
}

std::size_t Uploads::count() const {
    const std::lock_guard lock(mutex_);
    return uploads_.size();
}

} // namespace symphony::store

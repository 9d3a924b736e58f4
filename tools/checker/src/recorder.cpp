// SPDX-License-Identifier: Apache-2.0
#include "recorder.hpp"

#include <cstring>

namespace symphony::checker {
namespace {

std::atomic<std::uint64_t> next_id{1};

/// Copies buffers that a plugin gave, as far as they can be believed.
std::string copy_buffers(const symphony_buf* from, std::uint32_t count, std::vector<std::string>& to) {
    constexpr std::uint32_t count_max = 65'536;
    constexpr std::uint64_t bytes_max = std::uint64_t{1} << 40;
    if (count > count_max) return "it gives " + std::to_string(count) + " buffers";
    if (count > 0 && from == nullptr) return "it gives buffers at NULL";
    for (std::uint32_t i = 0; i < count; ++i) {
        const symphony_buf& buf = from[i];
        if (buf.struct_size < sizeof buf) return "buffer " + std::to_string(i) + " has a struct_size of " + std::to_string(buf.struct_size);
        if (buf.size > bytes_max) return "buffer " + std::to_string(i) + " claims " + std::to_string(buf.size) + " bytes";
        if (buf.size > 0 && buf.data == nullptr) return "buffer " + std::to_string(i) + " claims " + std::to_string(buf.size) + " bytes at NULL";
        to.emplace_back(text_of(Buffer::bytes_of(buf)));
    }
    return {};
}

} // namespace

OperationCall::OperationCall(std::string_view operation, const Value& input) : input_(input) { detail::write_fields(writer_, operation, input_); }

Request OperationCall::request(std::string_view port, std::string_view name) {
    Request out;
    out.port = port;
    const symphony_buf* first = writer_.buffers();
    out.arguments.assign(first, first + writer_.buffer_count());
    out.name = std::string(name) + " of " + std::string(port);
    return out;
}

const symphony_call_ops Recorder::ops{sizeof(symphony_call_ops), 0, &complete, &fail, &emit, &progress, &Recorder::cancelled};

const symphony_call_ops& Recorder::newer_ops() {
    static const struct {
        symphony_call_ops known;
        std::uint64_t later[8];
    } newer = {{sizeof newer, 0, &complete, &fail, &emit, &progress, &Recorder::cancelled}, {0xA5A5A5A5A5A5A5A5u}};
    return newer.known;
}

Recorder::Recorder() : id_(next_id.fetch_add(1) | std::uint64_t{7} << 32) {}

bool Recorder::mine(symphony_handle id) {
    if (id == id_) return true;
    if (broken_.empty()) broken_ = "it answers call " + std::to_string(id) + " with the functions of call " + std::to_string(id_);
    return false;
}

void Recorder::complete(void* ctx, symphony_handle id, const symphony_buf* out, std::uint32_t count) {
    Recorder& self = of(ctx);
    const std::lock_guard lock(self.mutex_);
    if (!self.mine(id) || ++self.ends_ > 1) return;
    if (auto broken = copy_buffers(out, count, self.result_); !broken.empty()) self.broken_ = std::move(broken);
    self.ended_.notify_all();
}

void Recorder::fail(void* ctx, symphony_handle id, const symphony_error* error) {
    Recorder& self = of(ctx);
    const std::lock_guard lock(self.mutex_);
    if (!self.mine(id) || ++self.ends_ > 1) return;
    self.failed_ = true;
    if (error == nullptr) self.broken_ = "it fails with no error";
    else std::memcpy(&self.error_, error, std::min<std::size_t>(error->struct_size, sizeof self.error_));
    self.ended_.notify_all();
}

void Recorder::emit(void* ctx, symphony_handle id, const symphony_buf* part, std::uint32_t count) {
    Recorder& self = of(ctx);
    const std::lock_guard lock(self.mutex_);
    if (!self.mine(id)) return;
    if (self.ends_ > 0) ++self.late_parts_;
    std::vector<std::string> looked_at;
    if (auto broken = copy_buffers(part, count, looked_at); !broken.empty()) self.broken_ = std::move(broken);
}

void Recorder::progress(void* ctx, symphony_handle id, std::uint32_t, symphony_str note) {
    Recorder& self = of(ctx);
    const std::lock_guard lock(self.mutex_);
    if (!self.mine(id)) return;
    if (self.ends_ > 0) ++self.late_parts_;
    if (!is_valid_utf8(from_c(note))) self.broken_ = "the note of a progress is no UTF-8";
}

std::uint32_t Recorder::cancelled(void* ctx, symphony_handle) { return of(ctx).cancelled_.load(std::memory_order_acquire) ? 1 : 0; }

bool Recorder::wait(std::chrono::milliseconds longest) {
    std::unique_lock lock(mutex_);
    return ended_.wait_for(lock, longest, [this] { return ends_ > 0; });
}

unsigned Recorder::ends() const {
    const std::lock_guard lock(mutex_);
    return ends_;
}
unsigned Recorder::late_parts() const {
    const std::lock_guard lock(mutex_);
    return late_parts_;
}
bool Recorder::failed() const {
    const std::lock_guard lock(mutex_);
    return failed_;
}
symphony_error Recorder::error() const {
    const std::lock_guard lock(mutex_);
    return error_;
}
std::string Recorder::broken() const {
    const std::lock_guard lock(mutex_);
    return broken_;
}
std::vector<std::string> Recorder::result() const {
    const std::lock_guard lock(mutex_);
    return result_;
}

Result<Value> Recorder::value() const {
    const auto parts = result();
    std::vector<symphony_buf> buffers;
    for (const auto& part : parts) {
        symphony_buf buf{};
        buf.struct_size = sizeof buf;
        buf.data = reinterpret_cast<const std::uint8_t*>(part.data());
        buf.size = part.size();
        buffers.push_back(buf);
    }
    WireReader reader(buffers.data(), static_cast<std::uint32_t>(buffers.size()), WireKeep::own);
    Value value;
    detail::read_fields(reader, value);
    reader.finish();
    if (!reader.ok()) return reader.status().error();
    if (Status checked = Value::check(value.bytes()); !checked) return checked.error();
    return value;
}

std::string Recorder::outcome() const {
    const std::lock_guard lock(mutex_);
    if (ends_ == 0) return "no end";
    if (failed_) return "error " + std::to_string(error_.code) + " " + std::string(read_bounded(error_.reason));
    std::string out = "result";
    for (const auto& part : result_) out += ":" + part;
    return out;
}

PassedCall::PassedCall(const Request& request, Recorder& recorder) : arguments_(request.arguments) {
    own_.struct_size = sizeof own_;
    own_.method = request.method;
    own_.arg_count = static_cast<std::uint32_t>(arguments_.size());
    own_.id = recorder.id();
    own_.deadline_ns = request.deadline_ns;
    own_.args = arguments_.data();
    own_.ctx = &recorder;
    own_.ops = request.newer ? &Recorder::newer_ops() : &Recorder::ops;
    own_.port = to_c(request.port);
    call_ = &own_;
    const auto guard = [this](const void* bytes, std::size_t size, std::size_t align) {
        guarded_.emplace_back(bytes, size, align);
        guarded_.back().protect();
        return guarded_.back().data();
    };
    if (request.guarded) {
        for (symphony_buf& buf : arguments_) {
            buf.data = static_cast<const std::uint8_t*>(guard(buf.data, static_cast<std::size_t>(buf.size), 1));
            buf.flags = SYMPHONY_BUF_BORROWED;
            buf.owner = nullptr;
            buf.ops = nullptr;
        }
        own_.args = static_cast<const symphony_buf*>(guard(arguments_.data(), arguments_.size() * sizeof(symphony_buf), alignof(symphony_buf)));
        own_.port.ptr = static_cast<const char*>(guard(own_.port.ptr, static_cast<std::size_t>(own_.port.len), 1));
        call_ = static_cast<const symphony_call*>(guard(&own_, sizeof own_, alignof(symphony_call)));
    } else if (request.newer) {
        constexpr std::size_t later = 64;
        long_call_.assign(sizeof own_ + later, 0xA5);
        own_.struct_size = static_cast<std::uint32_t>(long_call_.size());
        std::memcpy(long_call_.data(), &own_, sizeof own_);
        call_ = reinterpret_cast<const symphony_call*>(long_call_.data());
    }
}

void PassedCall::returned() noexcept {
    for (Guarded& one : guarded_) one.poison();
}

} // namespace symphony::checker

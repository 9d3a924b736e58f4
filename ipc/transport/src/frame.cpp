// SPDX-License-Identifier: Apache-2.0
#include <symphony/transport/frame.hpp>

#include <algorithm>
#include <bit>
#include <cstring>

namespace symphony::transport {
namespace {

constexpr std::uint32_t greeting_magic = 0x31544D53; // S M T 1

static_assert(std::endian::native == std::endian::little, "both ends run on one machine; nothing here swaps bytes");

template <class T>
void put(std::uint8_t* to, T value) noexcept { std::memcpy(to, &value, sizeof value); }
template <class T>
T get(const std::uint8_t* from) noexcept {
    T value;
    std::memcpy(&value, from, sizeof value);
    return value;
}

} // namespace

void write_header(std::uint8_t* to, const PartHeader& header) noexcept {
    put(to, static_cast<std::uint32_t>(header.kind));
    put(to + 4, header.bytes);
    put(to + 8, header.frame_bytes);
}

std::optional<PartHeader> read_header(const std::uint8_t* from) noexcept {
    const auto kind = get<std::uint32_t>(from);
    if (kind < static_cast<std::uint32_t>(PartKind::greeting) || kind > static_cast<std::uint32_t>(PartKind::finish)) return std::nullopt;
    return PartHeader{static_cast<PartKind>(kind), get<std::uint32_t>(from + 4), get<std::uint64_t>(from + 8)};
}

Buffer write_greeting(const Greeting& greeting) {
    Buffer out = Buffer::make(greeting_bytes);
    std::uint8_t* const to = out.writable().data();
    put(to, greeting_magic);
    put(to + 4, greeting.version);
    put(to + 8, static_cast<std::uint32_t>(greeting.verdict));
    put(to + 12, std::uint32_t{0});
    put(to + 16, greeting.frame_bytes_max);
    return out;
}

std::optional<Greeting> read_greeting(Bytes from) noexcept {
    if (from.size() != greeting_bytes || get<std::uint32_t>(from.data()) != greeting_magic || get<std::uint32_t>(from.data() + 12) != 0) return std::nullopt;
    Greeting out{get<std::uint32_t>(from.data() + 4), static_cast<Greeting::Verdict>(get<std::uint32_t>(from.data() + 8)), get<std::uint64_t>(from.data() + 16)};
    if (out.version != 1 || (out.verdict != Greeting::Verdict::welcome && out.verdict != Greeting::Verdict::full)) return std::nullopt;
    return out;
}

bool Inbox::has_room(const PartHeader& header) const noexcept {
    if (header.kind != PartKind::content || open_ || frames_.empty()) return true;
    return frames_.size() < queue_frames_max_ && header.frame_bytes <= queue_bytes_max_ && bytes_ <= queue_bytes_max_ - header.frame_bytes;
}

const char* Inbox::begin(const PartHeader& header) {
    if (finished_) return "something follows the end";
    if ((header.kind == PartKind::greeting) == greeting_.has_value()) return greeting_ ? "a second greeting" : "no greeting";
    switch (header.kind) {
    case PartKind::greeting:
        if (header.bytes != greeting_bytes || header.frame_bytes != greeting_bytes) return "a greeting of another length";
        break;
    case PartKind::finish:
        if (header.bytes != 0 || header.frame_bytes != 0) return "an end with content";
        if (open_) return "an end within a frame";
        break;
    case PartKind::content:
        if (header.frame_bytes > frame_bytes_max_) return "a frame that is longer than frame_bytes_max";
        if (open_ && header.frame_bytes != part_.frame_bytes) return "a part of another frame";
        if (header.bytes > header.frame_bytes - (open_ ? arrived_ : 0)) return "a part that is longer than its frame";
        if (header.bytes == 0 && header.frame_bytes != 0) return "a part without content";
        if (!open_) {
            open_ = true;
            arrived_ = 0;
            frame_ = header.frame_bytes == 0 ? Buffer() : Buffer::make(static_cast<std::size_t>(std::min(header.frame_bytes, piece_bytes)));
        }
        break;
    }
    part_ = header;
    part_left_ = header.bytes;
    return part_left_ == 0 ? complete() : nullptr;
}

std::span<std::uint8_t> Inbox::room() {
    if (part_left_ == 0) return {};
    if (part_.kind == PartKind::greeting) return {control_.data() + greeting_bytes - part_left_, part_left_};
    if (arrived_ == frame_.size()) { // four times as much: what is copied in all stays below a third of the frame
        Buffer larger = Buffer::make(static_cast<std::size_t>(std::min(part_.frame_bytes, arrived_ * 4)));
        std::memcpy(larger.writable().data(), frame_.data(), static_cast<std::size_t>(arrived_));
        frame_ = std::move(larger);
    }
    return frame_.writable().subspan(static_cast<std::size_t>(arrived_), static_cast<std::size_t>(std::min<std::uint64_t>(part_left_, frame_.size() - arrived_)));
}

const char* Inbox::filled(std::size_t bytes) {
    part_left_ -= static_cast<std::uint32_t>(bytes);
    if (part_.kind == PartKind::content) arrived_ += bytes;
    return part_left_ == 0 ? complete() : nullptr;
}

const char* Inbox::complete() {
    switch (part_.kind) {
    case PartKind::greeting:
        greeting_ = read_greeting(control_);
        return greeting_ ? nullptr : "a greeting of another protocol or version";
    case PartKind::finish: finished_ = true; return nullptr;
    case PartKind::content: break;
    }
    if (arrived_ != part_.frame_bytes) return nullptr; // another part follows
    open_ = false;
    bytes_ += arrived_;
    received_bytes_ += arrived_;
    ++received_frames_;
    frames_.push_back(std::move(frame_));
    return nullptr;
}

Buffer Inbox::take() {
    Buffer out = std::move(frames_.front());
    frames_.pop_front();
    bytes_ -= out.size();
    return out;
}

StreamDecoder::Result StreamDecoder::feed(Bytes& bytes, Inbox& to) {
    while (!bytes.empty() || header_size_ == part_header_bytes) {
        if (!in_part_) {
            const std::size_t more = std::min(bytes.size(), part_header_bytes - header_size_);
            if (more != 0) std::memcpy(header_.data() + header_size_, bytes.data(), more);
            header_size_ += more;
            bytes = bytes.subspan(more);
            if (header_size_ != part_header_bytes) return Result::all;
            const auto header = read_header(header_.data());
            if (!header) return corrupt("a part of unknown kind");
            if (!to.has_room(*header)) return Result::full;
            header_size_ = 0;
            if (const char* const fault = to.begin(*header)) return corrupt(fault);
            in_part_ = header->bytes != 0;
            continue;
        }
        const auto room = to.room();
        const std::size_t size = std::min(room.size(), bytes.size());
        std::memcpy(room.data(), bytes.data(), size);
        bytes = bytes.subspan(size);
        if (wrote(size, to) == Result::corrupt) return Result::corrupt;
    }
    return Result::all;
}

std::span<std::uint8_t> StreamDecoder::place(Inbox& to) const {
    if (!in_part_) return {};
    return to.room();
}

StreamDecoder::Result StreamDecoder::wrote(std::size_t bytes, Inbox& to) {
    if (const char* const fault = to.filled(bytes)) return corrupt(fault);
    in_part_ = !to.room().empty();
    return Result::all;
}

void Outbox::push(PartKind kind, Buffer content) {
    if (kind == PartKind::content) {
        ++frames_;
        bytes_ += content.size();
    }
    entries_.push_back({kind, std::move(content), 0});
}

void Outbox::pop() {
    const Entry& first = entries_.front();
    if (first.kind == PartKind::content) {
        --frames_;
        bytes_ -= first.content.size();
        ++sent_frames_;
        sent_bytes_ += first.content.size();
    }
    if (first.kind == PartKind::finish) finish_sent_ = true;
    entries_.pop_front();
}

void Outbox::drop() noexcept {
    dropped_frames_ += frames_;
    frames_ = 0;
    bytes_ = 0;
    entries_.clear();
}

std::uint64_t stream_bytes(const Outbox::Entry& entry) noexcept {
    const std::uint64_t parts = std::max<std::uint64_t>(1, (entry.content.size() + stream_part_bytes_max - 1) / stream_part_bytes_max);
    return entry.content.size() + parts * part_header_bytes;
}

void stream_advance(Outbox& box, std::size_t sent) {
    while (sent != 0) {
        auto& first = box.entries().front();
        const std::uint64_t left = stream_bytes(first) - first.progress;
        if (sent < left) {
            first.progress += sent;
            return;
        }
        sent -= static_cast<std::size_t>(left);
        box.pop();
    }
}

} // namespace symphony::transport

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/bytes.hpp>

#include <array>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>

/// What travels between two ends of a connection: parts, each with a header, of which frames are put together. ipc/docs/transports.md is
/// this header in words.
namespace symphony::transport {

enum class PartKind : std::uint8_t {
    greeting = 1,  ///< the first part in each direction, and only the first
    content = 2,   ///< of one frame
    finish = 3,    ///< no frames follow
};

/// In front of each part: kind, three zero bytes, the part's length, the length of the whole frame. Little-endian.
struct PartHeader {
    PartKind kind = PartKind::content;
    std::uint32_t bytes = 0;
    std::uint64_t frame_bytes = 0;
};
inline constexpr std::size_t part_header_bytes = 16;
/// The longest part that is written into a stream. A reader takes parts of any length.
inline constexpr std::uint32_t stream_part_bytes_max = 256 * 1024;

void write_header(std::uint8_t* to, const PartHeader& header) noexcept;
/// @return Nothing for an unknown kind, or bytes that should be zero and are not.
std::optional<PartHeader> read_header(const std::uint8_t* from) noexcept;

/// What each side says first.
struct Greeting {
    enum class Verdict : std::uint32_t { welcome = 0, full = 1 };
    std::uint32_t version = 1;
    Verdict verdict = Verdict::welcome;
    std::uint64_t frame_bytes_max = 0;  ///< the longest frame that it takes
};
inline constexpr std::size_t greeting_bytes = 24;

Buffer write_greeting(const Greeting& greeting);
/// @return Nothing: not a greeting, or of another version.
std::optional<Greeting> read_greeting(Bytes from) noexcept;

/// Frames that have arrived and that nobody has taken yet, and the one that is arriving. Not for two threads at once.
class Inbox {
public:
    /// @param queue_bytes_max  Of frames that are complete; at least `frame_bytes_max`.
    Inbox(std::uint64_t frame_bytes_max, std::uint32_t queue_frames_max, std::uint64_t queue_bytes_max) noexcept
        : frame_bytes_max_(frame_bytes_max), queue_frames_max_(queue_frames_max), queue_bytes_max_(queue_bytes_max) {}

    /// Whether a part may begin now. False: not before frames were taken.
    bool has_room(const PartHeader& header) const noexcept;
    /// A part begins. @return What is wrong with it; null: nothing, its content goes to room().
    const char* begin(const PartHeader& header);
    /// Where the rest of the part goes, or the next piece of it; empty: the part is complete. Never more than has been announced, and
    /// never much more memory than has arrived.
    std::span<std::uint8_t> room();
    /// Bytes were written to the begin of room(). @return What is wrong with the part that is now complete, or null.
    const char* filled(std::size_t bytes);

    bool empty() const noexcept { return frames_.empty(); }
    std::size_t size() const noexcept { return frames_.size(); }
    Buffer take();
    bool finished() const noexcept { return finished_; }
    const std::optional<Greeting>& greeting() const noexcept { return greeting_; }
    std::uint64_t received_frames() const noexcept { return received_frames_; }
    std::uint64_t received_bytes() const noexcept { return received_bytes_; }

private:
    const char* complete();
    /// The first piece of memory for a frame; more only as the frame arrives, so that a length alone takes none.
    static constexpr std::uint64_t piece_bytes = 1 << 20;

    const std::uint64_t frame_bytes_max_;
    const std::uint32_t queue_frames_max_;
    const std::uint64_t queue_bytes_max_;
    std::deque<Buffer> frames_;
    std::uint64_t bytes_ = 0;
    std::optional<Greeting> greeting_;
    bool finished_ = false;

    // The frame that is arriving.
    PartHeader part_;
    std::uint32_t part_left_ = 0;
    bool open_ = false;  // a frame has begun, and is not complete
    Buffer frame_;       // its memory so far; may be larger than what arrived
    std::uint64_t arrived_ = 0;
    std::array<std::uint8_t, greeting_bytes> control_{};

    std::uint64_t received_frames_ = 0, received_bytes_ = 0;
};

/// Cuts a stream of bytes into parts. Not for two threads at once.
class StreamDecoder {
public:
    enum class Result : std::uint8_t { all, full, corrupt };
    /// Takes from the front of `bytes` what it can. @return `full`: the rest has to come again, when frames were taken.
    Result feed(Bytes& bytes, Inbox& to);
    /// A large piece of the stream may be read to here directly; then say so with wrote(). Empty: use feed().
    std::span<std::uint8_t> place(Inbox& to) const;
    Result wrote(std::size_t bytes, Inbox& to);
    bool is_within_part() const noexcept { return in_part_; }
    const char* fault() const noexcept { return fault_; }

private:
    Result corrupt(const char* what) noexcept {
        fault_ = what;
        return Result::corrupt;
    }
    std::array<std::uint8_t, part_header_bytes> header_{};
    std::size_t header_size_ = 0;
    bool in_part_ = false;
    const char* fault_ = nullptr;
};

/// Frames that wait to be handed over, in order. Not for two threads at once.
class Outbox {
public:
    struct Entry {
        PartKind kind = PartKind::content;
        Buffer content;
        std::uint64_t progress = 0;  ///< what of it was handed over, in the carrier's own measure
    };
    Outbox(std::uint32_t queue_frames_max, std::uint64_t queue_bytes_max) noexcept
        : queue_frames_max_(queue_frames_max), queue_bytes_max_(queue_bytes_max) {}

    bool has_room(std::size_t bytes) const noexcept {
        return frames_ < queue_frames_max_ && (bytes_ + bytes <= queue_bytes_max_ || frames_ == 0);
    }
    void push(PartKind kind, Buffer content);
    bool empty() const noexcept { return entries_.empty(); }
    std::deque<Entry>& entries() noexcept { return entries_; }
    /// The first entry was handed over as a whole.
    void pop();
    /// Everything else goes nowhere.
    void drop() noexcept;

    std::uint32_t frames() const noexcept { return frames_; }
    std::uint64_t sent_frames() const noexcept { return sent_frames_; }
    std::uint64_t sent_bytes() const noexcept { return sent_bytes_; }
    std::uint64_t dropped_frames() const noexcept { return dropped_frames_; }
    bool finish_sent() const noexcept { return finish_sent_; }

private:
    const std::uint32_t queue_frames_max_;
    const std::uint64_t queue_bytes_max_;
    std::deque<Entry> entries_;
    std::uint32_t frames_ = 0;
    std::uint64_t bytes_ = 0, sent_frames_ = 0, sent_bytes_ = 0, dropped_frames_ = 0;
    bool finish_sent_ = false;
};

/// Bytes of an entry in a stream, with the headers of its parts; its progress counts in these.
std::uint64_t stream_bytes(const Outbox::Entry& entry) noexcept;
/// So many bytes of the stream were handed over.
void stream_advance(Outbox& box, std::size_t sent);

} // namespace symphony::transport

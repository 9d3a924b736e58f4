// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/envelope/json.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

/// Envelopes as newline-delimited JSON-RPC 2.0, for editors; ipc/docs/envelope.md has the mapping.
namespace symphony::ipc::json_rpc {

struct Rules {
    /// Requests of the other side that wait for their answer.
    std::size_t open_max = 65'536;
    std::size_t line_bytes_max = ReadRules().bytes_max;
    /// Without: the member `jsonrpc` is neither written nor asked for, as on the xi front-end's protocol.
    bool version_member = true;
};

/// Cuts a stream into lines. Keeps at most one unfinished line. Used by one thread at a time.
class LineCutter {
public:
    explicit LineCutter(std::size_t line_bytes_max = ReadRules().bytes_max) : line_bytes_max_(line_bytes_max) {}

    /// Calls `each(Bytes line)` for every line that `from` ends, without its end; a carriage return before it is dropped, empty lines
    /// are passed over. `each` answers a Status; the first failure ends the feeding.
    /// @return What `each` answered, or `exhausted` "too-large": the stream cannot be gone on with.
    template <class Each>
    Status feed(Bytes from, Each&& each);
    /// Whether the stream may end here.
    bool at_line_start() const noexcept { return kept_.empty(); }

private:
    Status keep(std::string_view part);
    static std::string_view trimmed(std::string_view line) noexcept {
        if (line.ends_with('\r')) line.remove_suffix(1);
        return line;
    }

    std::size_t line_bytes_max_;
    std::string kept_;
};

/// The two directions, with the ids of the other side's requests until they are answered. Used by one thread at a time.
class Session {
public:
    /// @param ids   For what comes in; outlives the session.
    /// @param peer  Endpoint of the other side, the sender of what comes in.
    /// @param self  Endpoint that what comes in is for, or empty.
    Session(UuidSource& ids, std::string peer, std::string self = {}, Rules rules = {});

    /// Appends one line, its end included.
    /// @return As json::write, and `not_found` "unknown-request": the response answers nothing that is open; `unsupported`
    ///   "not-expressible": the content of a request or event is neither list, map nor null.
    Status write(OutBuffer& to, const EnvelopeView& envelope);

    /// Reads one line without its end. @param unix_us  Now, in microseconds since 1970.
    /// @return As json::Reader; `data_corrupt` "bad-message" naming the member; `unsupported` "no-batches"; `exhausted` "too-many-open".
    Result<Envelope> read(Bytes line, std::uint64_t unix_us);

    /// Requests of the other side that have no answer yet.
    std::size_t open() const noexcept { return open_.size(); }

private:
    struct Hash {
        std::size_t operator()(const Uuid& id) const noexcept;
    };

    UuidSource* ids_;
    std::string peer_, self_;
    Rules rules_;
    json::Reader reader_;
    /// Ids as the JSON text that they came in.
    std::unordered_map<Uuid, std::string, Hash> open_;
};

template <class Each>
Status LineCutter::feed(Bytes from, Each&& each) {
    std::string_view left = text_of(from);
    while (!left.empty()) {
        const std::size_t end = left.find('\n');
        const std::string_view part = left.substr(0, end);
        if (part.size() > line_bytes_max_ - kept_.size()) return keep(part);
        if (end == std::string_view::npos) return keep(part);
        left.remove_prefix(end + 1);
        Status status;
        if (kept_.empty()) {
            if (const auto line = trimmed(part); !line.empty()) status = each(bytes_of(line));
        } else {
            kept_.append(part);
            const std::string whole = std::move(kept_);
            kept_.clear();
            if (const auto line = trimmed(whole); !line.empty()) status = each(bytes_of(line));
        }
        if (!status) return status;
    }
    return {};
}

} // namespace symphony::ipc::json_rpc

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "journal.hpp"
#include "sha256.hpp"

#include <vector>

/// The bytes in the journal's rows. Everything is MessagePack, and every row has a sum, because SQLite has none.
namespace symphony::tracker {

/// One thing that a run told.
struct StepBody {
    enum class Kind : std::uint8_t { begun = 1, answered, ended, closing, attempted };
    Kind kind = Kind::ended;
    std::string node;
    std::uint32_t element = 0;  ///< of begun and answered; of closing the number of what the run ends as
    std::int64_t at_ms = 0;     ///< since 1970
    StepEnd end;                ///< of ended, without its output; of attempted only why it failed, as its problem
    CallNote note;              ///< of answered and attempted
    bool undoes = false;        ///< of closing
};

/// What a list of runs shows.
struct RunRow {
    std::string workflow, version, path;
    std::uint32_t steps = 0;
    Durability durability = Durability::durable;
    std::int64_t created_ms = 0;
};

Value encode(const StepBody& body);
bool decode(Bytes bytes, StepBody& out);
Value encode(const RunRow& row);
bool decode(Bytes bytes, RunRow& out);
Value encode_given(const NewRun& run);
/// @return `data_corrupt` when they make no sense.
Status decode(Bytes head, Bytes given, NewRun& out);

/// The last that began to close the run, or steps.size().
std::size_t last_closing(const std::vector<StepBody>& steps) noexcept;
/// Whether a run that goes on can do without running the step again.
bool is_kept(NodeState state) noexcept;
/// What people are shown of a run's steps, by the last that was told of each.
/// What the row says of an attempt, if it does. @param part  Of the row.
std::optional<AttemptRow> attempt_of(const StepBody& body, std::uint32_t part);
std::vector<StepRow> rows_of(const std::vector<StepBody>& steps, const std::vector<std::uint64_t>& output_bytes);

/// The first half of SHA-256 over the row's parts, each after its length.
class Sum {
public:
    bool operator==(const Sum&) const = default;
    friend bool operator!=(const Sum& a, Bytes b) noexcept;
    operator Bytes() const noexcept { return bytes_; }  // NOLINT: it is bytes

    explicit Sum(const Digest& all) noexcept;

private:
    std::array<std::uint8_t, 16> bytes_{};
};
Sum sum_of(std::string_view id, Bytes head, Bytes given);
Sum sum_of(std::int64_t key, std::int64_t part, Bytes body, Bytes output);

} // namespace symphony::tracker

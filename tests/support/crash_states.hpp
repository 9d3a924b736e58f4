// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "recording_folder.hpp"

#include <functional>

namespace symphony::test_support {

/// What a power cut may leave, after ALICE (Pillai et al., OSDI 2014), for a disk whose smallest whole write is 512 bytes:
///
/// - What was written before the last sync of its file is there.
/// - Of what was written since, each block of 512 bytes has, by itself, any of the contents it had since then; so writes are
///   lost, torn and reordered. In half of the random states blocks of 4 KiB stay whole.
/// - After a sync that failed (RecordingFolder::fail_sync) later ones do not write what it should have.
/// - The size of the file is any that it had since then, with the truncations up to there; what was not written of it is zeros.
/// - Names that were made, renamed and removed before the last sync_folder() of their folder are so. Of what was done to names
///   since, any part may be missing; each rename is whole. A sync of a file says nothing about its name.
struct CrashOptions {
    std::uint64_t seed = 1;
    std::size_t samples_per_point = 6; ///< random states at each operation, beside those that are always tried
    std::size_t points_max = 0;        ///< operations after which the power is cut, chosen by the seed; 0 = after each
    std::size_t failures_max = 3;      ///< the search ends with so many
};

struct CrashState {
    MemoryFolder& folder;                    ///< to be opened by the program under test, which may change it
    const std::vector<std::string>& notes;   ///< what RecordingFolder::note() was told before the cut
    std::string text;                        ///< which cut, and what was lost
};

/// Looks at one state. @return "" or what is wrong with it.
using CrashCheck = std::function<std::string(CrashState& state)>;

struct CrashReport {
    std::uint64_t seed = 0;
    std::size_t operations = 0, points = 0, states = 0;
    std::vector<std::string> failures;
    bool good() const { return failures.empty(); }
    /// For the message of an assertion: the counts, the seed, and the failures.
    std::string text() const;
};

/// Cuts the power after each operation, makes the states that may come of it, and has each looked at. Always tried: nothing
/// of what is not synced, all of it, only its names, only its contents; each name alone missing and alone there; each file's
/// writes up to each one; each write alone missing, alone there and torn. Equal states with equal notes are looked at once. Same seed,
/// same states.
CrashReport try_crash_states(const RecordingFolder& folder, const CrashOptions& options, const CrashCheck& check);

} // namespace symphony::test_support

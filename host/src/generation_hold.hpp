// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <map>

namespace symphony::host {

/// Says to whoever collects old packages that this process uses some: a shared lock on the folder of each generation that it has looked at, since plugins
/// of an earlier one may still run. Given back when the object dies, or the process.
class GenerationHold {
public:
    GenerationHold() = default;
    GenerationHold(const GenerationHold&) = delete;
    GenerationHold& operator=(const GenerationHold&) = delete;
    ~GenerationHold();

    /// Holds the generation that the link `current` leads to now. That there is none, or that it cannot be locked, is no loss: then nothing is kept for us.
    void take(const std::filesystem::path& current);

private:
    std::map<std::filesystem::path, int> held_; // descriptor of each folder
};

} // namespace symphony::host

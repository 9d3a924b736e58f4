// SPDX-License-Identifier: Apache-2.0
#include "generation_hold.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

namespace symphony::host {

GenerationHold::~GenerationHold() {
    for (const auto& [folder, fd] : held_) ::close(fd);
}

void GenerationHold::take(const std::filesystem::path& current) {
    // Once more when the link was switched meanwhile: the folder that was locked may be gone by then.
    for (int tries = 0; tries < 3; ++tries) {
        std::error_code error;
        const auto folder = std::filesystem::canonical(current, error);
        if (error || held_.contains(folder)) return;
        const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0) continue;
        if (::flock(fd, LOCK_SH | LOCK_NB) != 0) {
            ::close(fd);
            return;
        }
        held_.emplace(folder, fd);
    }
}

} // namespace symphony::host

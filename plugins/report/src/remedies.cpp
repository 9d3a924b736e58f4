// SPDX-License-Identifier: Apache-2.0
#include "remedies.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace report {

std::string_view remedy_for(std::string_view reason) noexcept {
    static constexpr std::array<std::pair<std::string_view, std::string_view>, 17> known{{
        {"cancelled", "run it again; somebody or a time limit stopped it"},
        {"deadline", "run it again with more time, or with fewer files"},
        {"empty", "nothing to do; the file has no content"},
        {"exhausted", "free memory or disk space, or survey fewer files at a time"},
        {"image-broken", "open it in an image viewer; if it is damaged, scan or save the page again"},
        {"image-size", "scale the image down, or cut it into pages"},
        {"io", "check the disk and the file's permissions, then run it again"},
        {"not-an-image", "check what the file is; its name and its content disagree"},
        {"not-found", "check the name; the file may have been moved while the survey ran"},
        {"not-granted", "name the folder on the command line, or allow it with: symphony permission grant"},
        {"peer-died", "run it again; if it happens again, the crash record names the plugin"},
        {"plugin-failed", "report it to the plugin's author with the message"},
        {"special-file", "nothing to do; pipes, sockets and devices have no content to survey"},
        {"symbolic-link", "survey the folder that the link leads to"},
        {"too-large", "raise the limit for one file, or leave the file out"},
        {"unknown-model", "install the language model that the message names"},
        {"unreadable", "check the file's permissions"},
    }};
    const auto found = std::find_if(known.begin(), known.end(), [&](const auto& entry) { return entry.first == reason; });
    return found == known.end() ? "read the message; when the cause is gone, run the survey again" : found->second;
}

} // namespace report

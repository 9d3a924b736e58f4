// SPDX-License-Identifier: Apache-2.0
#include "fetch.hpp"

#include <cstdio>

namespace tess {

using symphony::Buffer;
using symphony::Code;
using symphony::Result;

Result<Buffer> fetch_image(const symphony::Host& host, symphony::ValueView image) {
    const symphony::Files files = SYMPHONY_TRY(host.files());
    const std::string path = raw_path(image["path"].as_text());
    const std::string_view root = image["root"].as_text();
    if (!root.empty()) return files.read_all(root, path, image_file_bytes_max);
    // What the person typed on the command line comes first, then the project's folder.
    Result<Buffer> selected = files.read_all("selected", path, image_file_bytes_max);
    if (selected || (selected.error().code() != Code::not_granted && selected.error().code() != Code::not_found)) return selected;
    Result<Buffer> workspace = files.read_all("workspace", path, image_file_bytes_max);
    return workspace || workspace.error().code() != Code::not_granted ? workspace : selected;
}

std::string raw_path(std::string_view shown) {
    const auto digit = [](char c) { return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1; };
    std::string raw;
    for (std::size_t i = 0; i < shown.size(); ++i) {
        if (i + 3 < shown.size() && shown[i] == '\\' && shown[i + 1] == 'x' && digit(shown[i + 2]) >= 0 && digit(shown[i + 3]) >= 0) {
            raw += static_cast<char>(digit(shown[i + 2]) * 16 + digit(shown[i + 3]));
            i += 3;
        } else {
            raw += shown[i];
        }
    }
    return raw;
}

std::string describe(const Engines::Info& model) {
    char text[80];
    std::snprintf(text, sizeof text, "%.1f MB on disk", static_cast<double>(model.file_bytes) / 1e6);
    std::string line = model.file_bytes == 0 ? "several languages" : text;
    if (model.engines > 0) line += ", " + std::to_string(model.engines) + (model.engines == 1 ? " engine" : " engines");
    return line;
}

} // namespace tess

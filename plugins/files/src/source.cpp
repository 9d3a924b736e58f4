// SPDX-License-Identifier: Apache-2.0
#include "source.hpp"

#include "display_path.hpp"

#include <algorithm>

namespace files {

using symphony::Code;
using symphony::Error;
using symphony::Inputs;
using symphony::Result;
using symphony::ValueView;

namespace {

constexpr std::size_t chunk_bytes = 1 << 20;
constexpr std::size_t path_bytes_max = 64 << 10;

bool in_workspace_only(std::string_view path) { return path == "." || path.empty(); }

/// Whether the workspace should be asked after `error` from "selected".
bool may_be_in_workspace(std::string_view path, const Error& error) {
    return !path.starts_with('/') && (error.code() == Code::not_granted || error.code() == Code::not_found);
}

/// `use(root, path)` on the roots a path may be in, in order; the first answer that is no "not here".
template <class T, class Use>
Result<T> on_roots(std::string_view path, const Use& use) {
    if (in_workspace_only(path)) return use("workspace", std::string_view());
    Result<T> selected = use("selected", path);
    if (selected || !may_be_in_workspace(path, selected.error())) return selected;
    Result<T> workspace = use("workspace", path);
    if (workspace || workspace.error().code() != Code::not_granted) return workspace;
    return selected;
}

} // namespace

std::string join(std::string_view folder, std::string_view name) {
    std::string out(folder);
    if (!out.empty() && out.back() != '/') out += '/';
    return out.append(name);
}

Result<FileRef> file_ref(const Inputs& inputs, const std::string& what, ValueView value) {
    const bool map = value.is_map();
    const ValueView path = map ? value["path"] : value;
    if (!path.is_text()) {
        const std::string found = map ? "a map without text \"path\"" : std::string(name_of(value.kind()));
        return inputs.error("wrong-kind", what + " is " + found + ", not a path or a map {path}");
    }
    if (path.empty() || path.size() > path_bytes_max) {
        return inputs.error("bad-path", what + (path.empty() ? " is an empty path" : " is a path of " + std::to_string(path.size()) + " bytes"));
    }
    FileRef file{raw_path(path.as_text()), {}, {}};
    if (file.path.find('\0') != std::string::npos) return inputs.error("bad-path", what + " is a path with a zero byte");
    if (!map) return file;
    const std::string_view root = value["root"].as_text();
    if (root == "workspace" || root == "selected") file.root = root;
    file.kind = value["kind"].as_text();
    return file;
}

Result<symphony::File> open_file(const symphony::Files& fs, const FileRef& file) {
    if (!file.root.empty()) return fs.open(file.root, file.path);
    return on_roots<symphony::File>(file.path, [&](std::string_view root, std::string_view path) { return fs.open(root, path); });
}

Result<Listing> list_folder(const symphony::Files& fs, std::string_view path) {
    return on_roots<Listing>(path, [&](std::string_view root, std::string_view at) -> Result<Listing> {
        auto entries = SYMPHONY_TRY(fs.list(root, at));
        return Listing{{std::string(root), std::string(at)}, std::move(entries)};
    });
}

Error too_large(std::uint64_t size, std::uint64_t bytes_max) {
    return {Code::exhausted, "too-large", "has " + std::to_string(size) + " bytes, the limit is " + std::to_string(bytes_max),
            "raise max_file_bytes to read it"};
}

Error cancelled_error(std::string_view operation) { return {Code::cancelled, std::string(operation) + ": cancelled"}; }

Result<std::string> read_whole(const symphony::File& file, std::uint64_t bytes_max, const Context& context) {
    const std::uint64_t expected = SYMPHONY_TRY(file.size());
    if (expected > bytes_max) return too_large(expected, bytes_max);
    std::string content;
    // One byte more than expected shows the end without another read. A file that grows meanwhile is followed up to the limit.
    std::size_t room = static_cast<std::size_t>(expected) + 1;
    std::size_t size = 0;
    for (;;) {
        if (context.cancelled()) return cancelled_error("read");
        content.resize(std::min(room, size + chunk_bytes));
        const std::size_t wanted = content.size() - size;
        const std::size_t got = SYMPHONY_TRY(file.read({reinterpret_cast<std::uint8_t*>(content.data()) + size, wanted}));
        size += got;
        if (size > bytes_max) return too_large(size, bytes_max);
        if (got < wanted) break;
        if (size == room) room += chunk_bytes;
        if (content.capacity() < room) content.reserve(room);
    }
    content.resize(size);
    return content;
}

} // namespace files

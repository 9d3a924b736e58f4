// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "operations.hpp"

#include <symphony/inputs.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace files {

/// A path as the host's file service takes it.
struct Location {
    std::string root; // "selected" or "workspace"
    std::string path; // raw bytes
};

/// A file to read: an input that is a path, or a map as walk gives it.
struct FileRef {
    std::string path;      // raw bytes
    std::string_view root; // empty = find out
    std::string_view kind; // as walk said, or empty
};

/// The file an input value names. @param what  How a message calls the value, such as `input "file"`.
symphony::Result<FileRef> file_ref(const symphony::Inputs& inputs, const std::string& what, symphony::ValueView value);

/// Opens for reading. A path is tried as one that the person named on the command line, then, when it is relative, as
/// one in the workspace.
symphony::Result<symphony::File> open_file(const symphony::Files& fs, const FileRef& file);

struct Listing {
    Location at;
    std::vector<symphony::FileEntry> entries;
};

/// Lists a folder, found as open_file() finds a file. "." is the workspace.
symphony::Result<Listing> list_folder(const symphony::Files& fs, std::string_view path);

/// All bytes of an open file, at most `bytes_max`; beyond that `exhausted`, "too-large".
symphony::Result<std::string> read_whole(const symphony::File& file, std::uint64_t bytes_max, const Context& context);

symphony::Error too_large(std::uint64_t size, std::uint64_t bytes_max);
symphony::Error cancelled_error(std::string_view operation);

std::string join(std::string_view folder, std::string_view name);

} // namespace files

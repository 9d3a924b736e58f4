// SPDX-License-Identifier: Apache-2.0
#include "kit.hpp"
#include "names.hpp"
#include "templates.hpp"

#include <symphony/json.hpp>

#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace symphony::kit {
namespace {

namespace fs = std::filesystem;

/// What `--type` may be, the folder of sdk-template/ behind it, and the name that the template has.
struct Template {
    std::string_view type, folder, name;
};
constexpr Template templates[] = {
    {"operator", "cpp", "word-mask"},
    {"instrument", "instrument", "letter-model"},
    {"transport", "transport", "loop-link"},
    {"c", "c", "line-count"},
    {"rust", "rust", "word-count"},
};

Result<Template> template_of(std::string_view type) {
    std::string known;
    for (const Template& one : templates) {
        if (one.type == type) return one;
        known += (known.empty() ? "" : ", ") + std::string(one.type);
    }
    return Error(Code::invalid_argument, "unknown-type", "there is no template for the type \"" + to_valid_utf8(type.substr(0, 40)) + "\"",
        "--type is one of: " + known);
}

Error io(const fs::path& path) { return {Code::io, "io", "cannot write " + path.string() + ": " + std::strerror(errno),
    "check the folder's permissions and the space on its disk"}; }

Status write_file(const fs::path& path, std::string_view content) {
    std::error_code failed;
    fs::create_directories(path.parent_path(), failed);
    const mode_t mode = content.starts_with("#!") ? 0755 : 0644;
    const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (fd < 0) return io(path);
    for (std::size_t done = 0; done < content.size();) {
        const ssize_t n = ::write(fd, content.data() + done, content.size() - done);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) {
            const Error error = io(path);
            ::close(fd);
            return error;
        }
        done += static_cast<std::size_t>(n);
    }
    return ::close(fd) == 0 ? Status() : Status(io(path));
}

/// The whole template into a folder that is not there yet. @return How many files.
Result<std::size_t> write_all(const Template& chosen, const Names& from, const Names& to, const fs::path& into) {
    std::size_t count = 0;
    const std::string prefix = std::string(chosen.folder) + "/";
    for (const TemplateFile& file : template_files()) {
        const std::string_view path = file.path;
        if (!path.starts_with(prefix)) continue;
        const std::string content(reinterpret_cast<const char*>(file.bytes), file.size);
        SYMPHONY_TRY(write_file(into / renamed(path.substr(prefix.size()), from, to), renamed(content, from, to)));
        ++count;
    }
    if (count == 0) return Error(Code::internal, "no-template", "the template \"" + std::string(chosen.folder) + "\" was left out when the kit was built");
    return count;
}

} // namespace

Result<std::int32_t> new_command(const Typed& typed) {
    const Template chosen = SYMPHONY_TRY(template_of(typed.text("type", "operator")));
    const Names to = SYMPHONY_TRY(Names::of(typed.text("name"), typed.text("id")));
    const Names from = SYMPHONY_TRY(Names::of(chosen.name));
    const std::string shown = typed.text("into", to.kebab);
    const fs::path into = typed.path(shown);
    std::error_code failed;
    if (fs::symlink_status(into, failed).type() != fs::file_type::not_found) {
        return Error(Code::conflict, "exists", into.string() + " is there already", "choose another name, or another folder: --into DIR");
    }
    // Beside its place and then renamed: whoever stops half-way finds no half plugin.
    const fs::path partly = into.parent_path() / ("." + into.filename().string() + ".new-" + std::to_string(::getpid()));
    auto count = write_all(chosen, from, to, partly);
    if (count && ::rename(partly.c_str(), into.c_str()) != 0) count = io(into);
    if (!count) {
        fs::remove_all(partly, failed);
        return std::move(count).error();
    }
    if (typed.context.json) {
        const Value made = ValueBuilder().map().add("folder", to_valid_utf8(into.string())).add("name", to.kebab).add("id", to.id).add("type", chosen.type)
                               .add("files", std::uint64_t{*count}).end().build();
        typed.out(SYMPHONY_TRY(print_json(made)) + "\n");
    } else {
        typed.out("made " + shown + ": " + std::to_string(*count) + " files, " + to.id + " 0.1.0\n");
        typed.err("next: symphony test " + shown + "\n");
    }
    return 0;
}

} // namespace symphony::kit

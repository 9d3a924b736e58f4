// SPDX-License-Identifier: Apache-2.0
#include "keys.hpp"
#include "names.hpp"
#include "passphrase.hpp"
#include "templates.hpp"

#include <cstring>
#include <fcntl.h>
#include <optional>
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

/// The person's signing key, made when there is none and it can be: a new plugin is to be published one day. Never in the project.
/// @return Its public half; nothing when there is none.
Result<std::optional<packaging::PublicKey>> signing_key(const Typed& typed) {
    const fs::path file = default_key(typed);
    if (typed.on("no-key") || file.empty()) return std::optional<packaging::PublicKey>();
    std::error_code failed;
    if (fs::exists(file, failed)) return std::optional(SYMPHONY_TRY(public_half(file)));
    const bool told_how = typed.on("no-passphrase") || typed.given("passphrase-file") || typed.given("passphrase-fd");
    if (!told_how && !can_ask(typed)) return std::optional<packaging::PublicKey>();
    if (!typed.json()) typed.err("making the key that you will sign with: " + file.string());
    return std::optional(SYMPHONY_TRY(make_key(typed, file)));
}

void tell(const Typed& typed, const Names& names, std::string_view type, const fs::path& into, std::size_t count, const std::optional<packaging::PublicKey>& key) {
    const std::string typed_folder = typed.text("into", names.kebab);
    typed.answer(to_json(Data::Map{{"folder", to_valid_utf8(into.string())}, {"name", names.kebab}, {"id", names.id}, {"type", type}, {"files", static_cast<std::int64_t>(count)},
                                   {"key", key ? Data(key->text()) : Data()}}));
    typed.out("made " + typed_folder + ": " + std::to_string(count) + " files, " + names.id + " 0.1.0");
    if (typed.json()) return;
    if (key) typed.err("you sign with " + key->text());
    else if (!typed.on("no-key")) typed.err("you have no key to sign with yet: symphony key make");
    typed.err("next: symphony test " + typed_folder);
}

} // namespace

Result<std::int32_t> new_command(const Typed& typed) {
    const Template chosen = SYMPHONY_TRY(template_of(typed.text("type", "operator")));
    const Names to = SYMPHONY_TRY(Names::of(typed.text("name"), typed.text("id")));
    const Names from = SYMPHONY_TRY(Names::of(chosen.name));
    const fs::path into = typed.path(typed.text("into", to.kebab));
    std::error_code failed;
    if (fs::symlink_status(into, failed).type() != fs::file_type::not_found) {
        return Error(Code::conflict, "exists", into.string() + " is there already", "choose another name, or another folder: --into DIR");
    }
    const auto key = SYMPHONY_TRY(signing_key(typed));
    // Beside its place and then renamed: whoever stops half-way finds no half plugin.
    const fs::path partly = into.parent_path() / ("." + into.filename().string() + ".new-" + std::to_string(::getpid()));
    auto count = write_all(chosen, from, to, partly);
    if (count && ::rename(partly.c_str(), into.c_str()) != 0) count = io(into);
    if (!count) {
        fs::remove_all(partly, failed);
        return std::move(count).error();
    }
    tell(typed, to, chosen.type, into, *count, key);
    return 0;
}

} // namespace symphony::kit

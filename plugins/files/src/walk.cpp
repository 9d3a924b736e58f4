// SPDX-License-Identifier: Apache-2.0
#include "decode.hpp"
#include "display_path.hpp"
#include "glob.hpp"
#include "problems.hpp"
#include "sniff.hpp"
#include "source.hpp"

#include <algorithm>
#include <array>
#include <optional>

namespace files {

using symphony::Code;
using symphony::Error;
using symphony::FileEntry;
using symphony::Inputs;
using symphony::Result;
using symphony::Status;
using symphony::Value;
using symphony::ValueBuilder;
using symphony::ValueView;

namespace {

constexpr std::uint64_t files_default = 20'000;
constexpr std::uint64_t files_max = 1'000'000;
constexpr std::uint64_t depth_default = 64;
constexpr std::uint64_t depth_max = 1000;
// A folder tree without files must end too.
constexpr std::uint64_t folders_max = 1'000'000;
constexpr std::uint64_t files_between_reports = 64;

/// Left out unless `exclude` is given: hidden folders, and what builds and tools leave behind.
constexpr std::array<std::string_view, 6> exclude_default{".*/", "build/", "node_modules/", "__pycache__/", "symphony-out/", "CMakeFiles/"};

struct Options {
    std::vector<Glob> include;
    std::vector<Glob> exclude;
    std::uint64_t max_depth = 0;
    std::uint64_t max_files = 0;
    std::uint64_t max_file_bytes = 0;
    std::uint64_t max_total_bytes = 0;
};

struct Found {
    std::string path; // raw, with the folder's own path in front
    std::string name;
    std::uint64_t size = 0;
    Sniffed what;
    bool usable = true; // small enough for texts and images
};

Result<std::vector<Glob>> globs(const Inputs& inputs, std::string_view input) {
    std::vector<Glob> out;
    for (const std::string_view pattern : SYMPHONY_TRY(inputs.texts(input, false))) {
        auto glob = Glob::compile(pattern);
        if (!glob) return std::move(glob).error().in(std::string(inputs.operation()) + ": input " + Inputs::quoted(input));
        out.push_back(*std::move(glob));
    }
    return out;
}

Result<Options> options(const Inputs& inputs) {
    Options out;
    out.include = SYMPHONY_TRY(globs(inputs, "include"));
    out.exclude = SYMPHONY_TRY(globs(inputs, "exclude"));
    if (!inputs.given("exclude")) {
        for (const std::string_view pattern : exclude_default) out.exclude.push_back(SYMPHONY_TRY(Glob::compile(pattern)));
    }
    out.max_depth = SYMPHONY_TRY(inputs.integer_or("max_depth", depth_default, 0, depth_max));
    out.max_files = SYMPHONY_TRY(inputs.integer_or("max_files", files_default, 1, files_max));
    out.max_file_bytes = SYMPHONY_TRY(inputs.integer_or("max_file_bytes", file_bytes_default, 0, file_bytes_max));
    out.max_total_bytes = SYMPHONY_TRY(inputs.integer_or("max_total_bytes", total_bytes_default, 0, total_bytes_max));
    return out;
}

bool any_matches(const std::vector<Glob>& globs, std::string_view path, bool folder) {
    return std::any_of(globs.begin(), globs.end(), [&](const Glob& glob) { return glob.matches(path, folder); });
}

class Walk {
public:
    Walk(Options options, const Context& context, Location top)
        : options_(std::move(options)), context_(context), top_(std::move(top)) {}

    Status run(std::vector<FileEntry> entries) {
        push("", 0, std::move(entries));
        while (!stack_.empty()) {
            if (context_.cancelled()) return cancelled_error("walk");
            Level& level = stack_.back();
            if (level.next == level.entries.size()) {
                stack_.pop_back();
                continue;
            }
            // Taken out, because entering a folder may move the stack.
            const FileEntry entry = std::move(level.entries[level.next++]);
            const std::string relative = join(level.path, entry.name);
            const std::uint64_t depth = level.depth;
            if (!visit(entry, relative, depth)) break;
        }
        return {};
    }

    /// The folder input named a file.
    Status run_single(const symphony::File& file) {
        const std::size_t slash = top_.path.rfind('/');
        const std::string name = slash == std::string::npos ? top_.path : top_.path.substr(slash + 1);
        const std::uint64_t size = SYMPHONY_TRY(file.size());
        Found found{top_.path, name, size, {}, true};
        examine(found, file);
        return {};
    }

    Value finish() {
        ValueBuilder out;
        out.map(8);
        write_list(out, "files", std::nullopt);
        write_list(out, "texts", Kind::text);
        write_list(out, "images", Kind::image);
        problems_.write(out);
        out.add("count", found_.size()).add("total_bytes", total_bytes_);
        out.key("skipped").map(4).add("excluded_folders", excluded_folders_).add("excluded_files", excluded_files_);
        out.add("not_included", not_included_).add("over_total", over_total_).end();
        return out.add("truncated", truncated_ || problems_.truncated()).end().build();
    }

private:
    struct Level {
        std::string path; // relative to the top, "" for the top itself
        std::uint64_t depth = 0;
        std::vector<FileEntry> entries;
        std::size_t next = 0;
    };

    std::string full(std::string_view relative) const { return top_.path.empty() ? std::string(relative) : join(top_.path, relative); }

    void push(std::string path, std::uint64_t depth, std::vector<FileEntry> entries) {
        // A folder sorts as its contents do, with a slash behind, so that the walk is in the order of path bytes.
        const auto key = [](const FileEntry& entry) { return entry.kind == "folder" ? entry.name + '/' : entry.name; };
        std::sort(entries.begin(), entries.end(), [&](const FileEntry& a, const FileEntry& b) { return key(a) < key(b); });
        stack_.push_back({std::move(path), depth, std::move(entries), 0});
    }

    /// False = enough.
    bool visit(const FileEntry& entry, const std::string& relative, std::uint64_t depth) {
        const std::string path = full(relative);
        const bool folder = entry.kind == "folder";
        if (any_matches(options_.exclude, relative, folder)) {
            ++(folder ? excluded_folders_ : excluded_files_);
            return true;
        }
        if (odd(entry.name)) {
            problems_.add({path, "note", "odd-name", "has control characters or bytes that are not UTF-8 in its name; they are shown as \\xNN",
                           "rename it if other programs stumble over it"});
        }
        if (folder) return enter(relative, path, depth);
        if (entry.kind == "unreadable") {
            problems_.add({path, "error", "unreadable", "cannot be looked at: " + (entry.error.empty() ? "no reason given" : entry.error), "check its permissions"});
            return true;
        }
        if (!options_.include.empty() && !any_matches(options_.include, relative, false)) {
            ++not_included_;
            return true;
        }
        if (entry.kind == "file") return take(entry, path);
        if (entry.kind == "symlink") {
            problems_.add({path, "warning", "symbolic-link", "is a symbolic link; links are never followed", "give the folder it leads to as an input of its own"});
        } else {
            problems_.add({path, "warning", "special-file", "is no regular file (a pipe, socket or device); it is not opened", {}});
        }
        return true;
    }

    bool enter(const std::string& relative, const std::string& path, std::uint64_t depth) {
        if (depth >= options_.max_depth) {
            problems_.add({path, "warning", "too-deep", "lies deeper than max_depth " + std::to_string(options_.max_depth) + " and is left out", "raise max_depth"});
            truncated_ = true;
            return true;
        }
        if (++folders_ > folders_max) {
            problems_.add({path, "warning", "too-many-folders", "is where the walk stopped: more than " + std::to_string(folders_max) + " folders", "exclude some"});
            truncated_ = true;
            return false;
        }
        auto entries = context_.fs.list(top_.root, path);
        if (!entries) problems_.add(path, entries.error());
        else push(relative, depth + 1, *std::move(entries));
        return true;
    }

    bool take(const FileEntry& entry, const std::string& path) {
        if (found_.size() == options_.max_files) {
            problems_.add({path, "warning", "too-many-files", "is where the walk stopped: max_files is " + std::to_string(options_.max_files), "raise max_files, or exclude some"});
            truncated_ = true;
            return false;
        }
        if (found_.size() % files_between_reports == 0) context_.progress(0, std::to_string(found_.size()) + " files");
        const auto file = context_.fs.open(top_.root, path);
        if (!file) {
            problems_.add(path, file.error());
            return true;
        }
        examine({path, entry.name, entry.size, {}, true}, *file);
        return true;
    }

    void examine(Found found, const symphony::File& file) {
        const auto size = file.size();
        std::string head(sniff_bytes, '\0');
        const auto got = file.read({reinterpret_cast<std::uint8_t*>(head.data()), head.size()});
        if (!size || !got) {
            problems_.add(found.path, size ? got.error() : size.error());
            return;
        }
        head.resize(*got);
        found.size = std::max<std::uint64_t>(*size, *got);
        found.what = sniff(head, found.name);
        const bool cut = named_as_image(found.name) && found.what.kind != Kind::image;
        if (found.what.kind == Kind::empty) {
            problems_.add({found.path, "note", "empty", "is empty", {}});
        } else if (cut) {
            problems_.add({found.path, "warning", "not-an-image", "has the name of an image, but its content is none", "it may be damaged; open it in an image viewer"});
        }
        if (found.size > options_.max_file_bytes && found.what.kind != Kind::empty) {
            found.usable = false;
            const Error error = too_large(found.size, options_.max_file_bytes);
            problems_.add({found.path, "warning", std::string(error.reason()), error.message(), error.hint()});
        } else if (found.what.kind == Kind::text && !check_whole(found, file, std::move(head))) {
            return;
        }
        if (found.usable && (found.what.kind == Kind::text || found.what.kind == Kind::image)) admit(found);
        found_.push_back(std::move(found));
    }

    /// Decides by all of its content whether a file is text. False = it could not be read.
    bool check_whole(Found& found, const symphony::File& file, std::string head) {
        std::string content = std::move(head);
        const std::size_t begun = content.size();
        if (begun == sniff_bytes) {
            content.resize(static_cast<std::size_t>(std::max<std::uint64_t>(found.size, begun)));
            const auto got = file.read({reinterpret_cast<std::uint8_t*>(content.data()) + begun, content.size() - begun});
            if (!got) {
                problems_.add(found.path, got.error());
                return false;
            }
            content.resize(begun + *got);
        }
        const Status status = check_text(content);
        if (status) return true;
        found.what = {Kind::binary, "application/octet-stream"};
        const bool text_after_all = status.error().reason() != "binary" && looks_like_old_text(std::string_view(content).substr(0, sniff_bytes));
        if (text_after_all) {
            problems_.add({found.path, "warning", std::string(status.error().reason()), status.error().message(), status.error().hint()});
        }
        return true;
    }

    /// Counts a file against the total; beyond it, files are listed but no texts and images.
    void admit(Found& found) {
        if (found.size <= options_.max_total_bytes - total_bytes_) {
            total_bytes_ += found.size;
            return;
        }
        found.usable = false;
        truncated_ = true;
        if (over_total_++ > 0) return;
        problems_.add({found.path, "warning", "over-total", "does not fit into max_total_bytes " + std::to_string(options_.max_total_bytes) +
                       "; it and others that do not are listed but not used", "raise max_total_bytes, or exclude some"});
    }

    void write_list(ValueBuilder& out, std::string_view key, std::optional<Kind> only) const {
        out.key(key).list(found_.size());
        for (const Found& found : found_) {
            if (only && (found.what.kind != *only || !found.usable)) continue;
            out.map(6).add("path", shown(found.path)).add("name", shown(found.name)).add("kind", name_of(found.what.kind));
            out.add("size", found.size).add("mime", found.what.mime).add("root", top_.root).end();
        }
        out.end();
    }

    Options options_;
    const Context& context_;
    Location top_;
    std::vector<Level> stack_;
    std::vector<Found> found_;
    Problems problems_;
    std::uint64_t folders_ = 0;
    std::uint64_t total_bytes_ = 0;
    std::uint64_t excluded_folders_ = 0;
    std::uint64_t excluded_files_ = 0;
    std::uint64_t not_included_ = 0;
    std::uint64_t over_total_ = 0;
    bool truncated_ = false;
};

} // namespace

Result<Value> walk(ValueView input, const Context& context) {
    const Inputs inputs = SYMPHONY_TRY(Inputs::of("walk", input, {"folder", "include", "exclude", "max_depth", "max_files", "max_file_bytes", "max_total_bytes"}));
    const ValueView folder = SYMPHONY_TRY(inputs.need("folder", symphony::Kind::text));
    FileRef top{".", {}, {}};
    if (!folder.empty()) top = SYMPHONY_TRY(file_ref(inputs, "input \"folder\"", folder));
    Options chosen = SYMPHONY_TRY(options(inputs));

    auto listing = list_folder(context.fs, top.path);
    if (!listing && listing.error().code() == Code::invalid_argument) {
        // Not a folder: a file that a person named is a walk of one.
        for (const std::string_view root : {"selected", "workspace"}) {
            const auto file = context.fs.open(root, top.path);
            if (!file) continue;
            Walk single(std::move(chosen), context, {std::string(root), top.path});
            SYMPHONY_TRY(single.run_single(*file));
            return single.finish();
        }
    }
    if (!listing) return std::move(listing).error().in("walk: input \"folder\"");
    Walk walk(std::move(chosen), context, std::move(listing->at));
    SYMPHONY_TRY(walk.run(std::move(listing->entries)));
    return walk.finish();
}

} // namespace files

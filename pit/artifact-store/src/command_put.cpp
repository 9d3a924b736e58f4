// SPDX-License-Identifier: Apache-2.0
// `artifact put`: files, and folders with everything beneath them.
#include "commands.hpp"
#include "media_type.hpp"
#include "port_records.hpp"
#include "records_json.hpp"
#include "words.hpp"

#include <symphony/utf8.hpp>

#include <algorithm>

namespace symphony::store {
namespace {

constexpr std::size_t read_bytes = 1u << 20;
constexpr std::size_t depth_max = 128;
constexpr std::size_t problems_shown_max = 100;
constexpr std::size_t group_items_max = 256;
constexpr std::size_t group_bytes_max = 8u << 20;

/// Names in the store are UTF-8 without control characters; those of files are any bytes.
std::string name_of_file(std::string_view path) {
    std::string out;
    for (std::size_t i = 0; i < path.size();) {
        std::string_view rest = path.substr(i);
        const std::size_t good = valid_utf8_prefix(rest.substr(0, 4));
        const auto byte = static_cast<unsigned char>(rest.front());
        std::size_t length = good == 0 ? 1 : byte < 0x80 ? 1 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4;
        if (good != 0 && length <= good && byte >= 0x20 && byte != 0x7F && !(byte == 0xC2 && static_cast<unsigned char>(rest[1]) < 0xA0)) out += rest.substr(0, length);
        else out += shown(rest.substr(0, length = good == 0 ? 1 : length));
        i += length;
    }
    return out;
}

std::string_view last_name(std::string_view path) {
    while (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
    const std::size_t slash = path.rfind('/');
    return slash == std::string_view::npos || path.size() == 1 ? path : path.substr(slash + 1);
}

/// One run of the command.
class Putting {
public:
    Putting(CommandLine& line, Store& store, Files files) : line_(line), store_(store), files_(files) {}

    Status prepare() {
        base_.message = line_.text("message");
        base_.type = line_.text("type");
        base_.media_type = line_.text("media-type");
        base_.tags = line_.texts("tag");
        base_.inputs = line_.texts("input");
        if (line_.given("after-version")) {
            base_.after_version = static_cast<std::uint32_t>(SYMPHONY_TRY(line_.number("after-version", 0, 0, 0xFFFFFFFFu)));
        }
        if (line_.given("lease")) base_.lease_ms = SYMPHONY_TRY(lease());
        name_ = line_.text("name");
        if (!name_.empty()) SYMPHONY_TRY(check_artifact_name(name_));
        prefix_ = line_.text("prefix");
        unnamed_ = line_.on("no-name");
        if (unnamed_ && !(name_.empty() && prefix_.empty())) return usage("--no-name beside --name or --prefix", "give one of them");
        return {};
    }

    /// A file or a folder, whatever was typed.
    Status put(const std::string& typed) {
        if (line_.cancelled()) return Error(Code::cancelled, "cancelled", "stopped; what was stored stays");
        auto entries = files_.list("selected", typed);
        if (entries) {
            if (!name_.empty()) return usage("--name for the folder " + shown(typed), "give --prefix for a folder; every file has its own name beneath it");
            const std::string_view leaf = last_name(typed);
            walk(typed, leaf == "." || leaf == ".." || leaf == "/" ? std::string() : std::string(leaf) + "/", *entries, 0);
            return {};
        }
        if (entries.error().reason() == "permission-denied") {
            fault(typed, std::move(entries).error());
            return {};
        }
        const std::string named = unnamed_ ? std::string() : !name_.empty() ? name_ : prefix_ + name_of_file(last_name(typed));
        put_file(typed, named);
        return {};
    }

    Result<std::int32_t> conclude() {
        if (!line_.cancelled()) put_group();
        line_.call().progress(1000, "done");
        if (line_.json()) {
            ValueBuilder out;
            out.map().key("artifacts").list(stored_.size());
            for (const ArtifactInfo& info : stored_) put_json(out, info);
            out.end().key("problems").list(problems_.size());
            for (const auto& [path, error] : problems_) {
                out.map().add("path", shown(path)).key("error");
                put_json(out, error);
                out.end();
            }
            out.end().add("files", files_seen_).add("bytes", bytes_seen_).add("skipped", skipped_).end();
            SYMPHONY_TRY(line_.json_out(out.build()));
        }
        std::size_t told = 0;
        for (const auto& [path, error] : problems_) {
            if (++told > problems_shown_max) break;
            Error problem = Error(error).in(shown(path));
            if (problem.hint().empty()) problem.with_hint(error.code() == Code::not_found ? "check the path; symphony artifact put --help tells more" : "the rest was stored; put this one again when that is mended");
            line_.problem(problem);
        }
        if (problems_.size() > problems_shown_max) line_.note("and " + count_words(problems_.size() - problems_shown_max, "more problem"));
        if (skipped_ > 0) line_.note(count_words(skipped_, "symbolic link or special file") + " skipped");
        if (!line_.json() && files_seen_ > 1) line_.err(count_words(stored_count_, "file") + ", " + size_words(bytes_seen_) + " stored");
        return problems_.empty() ? done : work_failed;
    }

private:
    Result<std::uint64_t> lease() const {
        const auto now = Clock().wall_ms();
        const std::uint64_t since = SYMPHONY_TRY(line_.moment("lease", now));
        return now - since;
    }

    void walk(const std::string& folder, const std::string& name, const std::vector<FileEntry>& entries, std::size_t depth) {
        for (const FileEntry& entry : entries) {
            if (line_.cancelled()) return;
            const std::string path = (folder.ends_with('/') ? folder : folder + "/") + entry.name;
            if (entry.kind == "file") {
                put_file(path, unnamed_ ? std::string() : prefix_ + name_of_file(name + entry.name));
            } else if (entry.kind == "folder") {
                const auto inner = depth < depth_max ? files_.list("selected", path)
                                                     : Result<std::vector<FileEntry>>(Error(Code::exhausted, "too-deep", "folders are more than 128 deep"));
                if (inner) walk(path, name + entry.name + "/", *inner, depth + 1);
                else fault(path, inner.error());
            } else if (entry.kind == "unreadable") {
                fault(path, Error(Code::io, "unreadable", "it cannot be looked at: " + entry.error));
            } else {
                ++skipped_;
            }
        }
    }

    void fault(const std::string& path, Error error) { problems_.emplace_back(path, std::move(error)); }

    void put_file(const std::string& path, const std::string& name) {
        auto taken = take(path, name);
        if (!taken) fault(path, std::move(taken).error());
    }

    void tell(const std::string& path, const Result<ArtifactInfo>& stored) {
        if (!stored) return fault(path, stored.error());
        ++files_seen_;
        bytes_seen_ += stored->size;
        ++stored_count_;
        if (line_.json()) stored_.push_back(*stored);
        else line_.out(stored->id.hex() + "  " + (stored->name.empty() ? shown(path) : shown(stored->name) + "@" + std::to_string(stored->version)));
    }

    /// A small file waits for others to be put with it; a large one is put at once, after those.
    Status take(const std::string& path, const std::string& name) {
        const symphony::File file = SYMPHONY_TRY(files_.open("selected", path));
        const std::uint64_t size = SYMPHONY_TRY(file.size());
        ports::PutOptions asked = base_;
        asked.name = name;
        std::size_t n = SYMPHONY_TRY(file.read(piece_));
        if (asked.media_type.empty()) asked.media_type = media_type_of(path, Bytes(piece_).first(std::min<std::size_t>(n, 4096)));
        const PutOptions options = SYMPHONY_TRY(from_port(store_, asked));
        if (n < piece_.size()) {
            group_.push_back({path, {piece_.begin(), piece_.begin() + static_cast<std::ptrdiff_t>(n)}, options});
            group_bytes_ += n;
            if (group_.size() >= group_items_max || group_bytes_ >= group_bytes_max) put_group();
            return {};
        }
        put_group();
        tell(path, stream(path, file, size, n, options));
        return {};
    }

    void put_group() {
        std::vector<PutItem> items;
        for (const Waiting& one : group_) items.push_back({one.content, one.options});
        const auto stored = store_.put_group(items);
        for (std::size_t i = 0; i < group_.size(); ++i) tell(group_[i].path, stored[i]);
        group_.clear();
        group_bytes_ = 0;
    }

    /// @param n Bytes of the file that stand in `piece_`.
    Result<ArtifactInfo> stream(const std::string& path, const symphony::File& file, std::uint64_t size, std::size_t n, const PutOptions& options) {
        const auto stream = SYMPHONY_TRY(store_.begin_put(options));
        for (std::uint64_t read = 0; n > 0; n = SYMPHONY_TRY(file.read(piece_))) {
            if (line_.cancelled()) return Error(Code::cancelled, "cancelled", "stopped");
            SYMPHONY_TRY(stream->append(Bytes(piece_).first(n)));
            read += n;
            line_.progress(read, size, "storing " + shown(path, 80));
        }
        return stream->finish();
    }

    struct Waiting {
        std::string path;
        std::vector<std::uint8_t> content;
        PutOptions options;
    };

    CommandLine& line_;
    Store& store_;
    const Files files_;
    ports::PutOptions base_;
    std::string name_, prefix_;
    bool unnamed_ = false;
    std::vector<std::uint8_t> piece_ = std::vector<std::uint8_t>(read_bytes);
    std::vector<Waiting> group_;
    std::size_t group_bytes_ = 0;
    std::vector<ArtifactInfo> stored_; ///< only for --json
    std::vector<std::pair<std::string, Error>> problems_;
    std::uint64_t files_seen_ = 0, stored_count_ = 0, bytes_seen_ = 0, skipped_ = 0;
};

} // namespace

Result<std::int32_t> command_put(CommandLine& line) {
    const auto paths = line.texts("path");
    if (paths.empty()) return usage("put needs a file or a folder", "symphony artifact put report.txt");
    for (const std::string& path : paths) {
        if (path == "-") return usage("standard input cannot be stored: commands of plugins do not get it", "put it into a file first");
    }
    if (paths.size() > 1 && line.given("name")) return usage("--name for several files", "give --prefix, or one file");
    const Files files = SYMPHONY_TRY(line.host().files());
    const auto store = SYMPHONY_TRY(line.writing(true));
    Putting putting(line, *store, files);
    SYMPHONY_TRY(putting.prepare());
    for (const std::string& path : paths) SYMPHONY_TRY(putting.put(path));
    return putting.conclude();
}

} // namespace symphony::store

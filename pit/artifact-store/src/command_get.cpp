// SPDX-License-Identifier: Apache-2.0
// `artifact get`: a content, or a range of it, to standard output or into a file.
#include "atomic_file.hpp"
#include "commands.hpp"
#include "media_type.hpp"
#include "port_records.hpp"
#include "reading.hpp"
#include "records_json.hpp"
#include "words.hpp"

namespace symphony::store {
namespace {

constexpr std::size_t part_bytes = 1u << 20;

} // namespace

Result<std::int32_t> command_get(CommandLine& line) {
    const auto store = SYMPHONY_TRY(line.reading());
    const ArtifactInfo info = SYMPHONY_TRY(store->info(line.text("id")));
    const std::uint64_t offset = SYMPHONY_TRY(line.bytes("offset", 0));
    const std::uint64_t size = SYMPHONY_TRY(line.bytes("size", 0));
    const ByteRange range = SYMPHONY_TRY(range_in(info.size, offset, size));
    const std::string path = line.text("output");
    if (line.json() && path.empty()) return usage("--json without --output: the content itself goes to standard output", "give --output FILE");

    std::optional<AtomicFile> file;
    if (!path.empty()) {
        auto opened = AtomicFile::open(SYMPHONY_TRY(line.host().files()), path);
        if (!opened) return Error(opened.error()).in("cannot write " + shown(path));
        file.emplace(*std::move(opened));
    }
    std::uint64_t written = 0;
    const auto take = [&](std::uint64_t, Buffer part) -> Status {
        if (line.cancelled()) return Error(Code::cancelled, "cancelled", "stopped");
        if (!file && line.terminal() && written == 0 && !looks_like_text(Bytes(part).first(std::min<std::size_t>(part.size(), 4096)))) {
            return usage("the content is " + (info.media_type.empty() ? std::string("no text") : info.media_type) + ", which would upset the terminal",
                         "symphony artifact get " + short_id(info.id.hex()) + line.store_words() + " --output FILE");
        }
        written += part.size();
        if (file) SYMPHONY_TRY(file->write(part));
        else line.write(ports::CommandStream::out, part);
        line.progress(written, range.size, "reading " + short_id(info.id.hex()));
        return {};
    };
    // A range of nothing is nothing; size 0 would mean all of it.
    if (range.size > 0) SYMPHONY_TRY(read_parts(*store, line.host(), info.id, range.offset, range.size, part_bytes, take));
    if (file) {
        if (auto finished = file->finish(); !finished) return Error(finished.error()).in("cannot write " + shown(path));
    }
    if (line.json()) {
        ValueBuilder out;
        out.map().add("file", path).add("bytes", written).key("artifact");
        put_json(out, info);
        SYMPHONY_TRY(line.json_out(out.end().build()));
    } else if (file) {
        line.err("wrote " + shown(path) + " (" + size_words(written) + ")");
    }
    return done;
}

} // namespace symphony::store

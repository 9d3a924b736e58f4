// SPDX-License-Identifier: Apache-2.0
#include "decode.hpp"
#include "display_path.hpp"
#include "problems.hpp"
#include "sniff.hpp"
#include "source.hpp"

#include <algorithm>

namespace files {

using symphony::Buffer;
using symphony::Code;
using symphony::Error;
using symphony::Inputs;
using symphony::Result;
using symphony::Value;
using symphony::ValueBuilder;
using symphony::ValueView;

namespace {

struct TextFile {
    Decoded content;
    std::uint64_t size = 0;
};

Result<TextFile> read_text(const FileRef& file, std::uint64_t bytes_max, const Context& context) {
    const symphony::File open = SYMPHONY_TRY(open_file(context.fs, file));
    std::string raw = SYMPHONY_TRY(read_whole(open, bytes_max, context));
    const std::uint64_t size = raw.size();
    return TextFile{SYMPHONY_TRY(decode(std::move(raw))), size};
}

void write_text(ValueBuilder& out, const FileRef& file, const TextFile& text) {
    out.map(5).add("path", shown(file.path)).add("text", std::string_view(text.content.text)).add("size", text.size);
    out.add("lines", lines_of(text.content.text)).add("encoding", text.content.encoding).end();
}

Error about(const Inputs& inputs, const FileRef& file, Error error) {
    if (error.code() == Code::cancelled) return cancelled_error(inputs.operation());
    return std::move(error).in(std::string(inputs.operation()) + ": \"" + shown(file.path) + "\"");
}

/// {path, mime, size, bytes} with the file read straight into the value's own buffer.
Result<Value> bytes_value(const FileRef& file, std::uint64_t bytes_max, const Context& context) {
    const symphony::File open = SYMPHONY_TRY(open_file(context.fs, file));
    const std::uint64_t size = SYMPHONY_TRY(open.size());
    if (size > bytes_max) return too_large(size, bytes_max);

    // The front is a map of three whose count is made four; then the key, and a bin 32 header with room behind it.
    constexpr std::string_view key_and_tag = "\xA5" "bytes\xC6";
    constexpr std::size_t length_bytes = 4;
    std::string head(std::min<std::size_t>(sniff_bytes, static_cast<std::size_t>(size)), '\0');
    const std::size_t head_size = SYMPHONY_TRY(open.read({reinterpret_cast<std::uint8_t*>(head.data()), head.size()}));
    head.resize(head_size);
    const Value front = ValueBuilder().map(3).add("path", shown(file.path)).add("mime", sniff(head, file.path).mime).add("size", size).end().build();

    const std::size_t start = front.bytes().size() + key_and_tag.size() + length_bytes;
    Buffer buffer = Buffer::make(start + static_cast<std::size_t>(size));
    std::uint8_t* to = buffer.writable().data();
    std::copy(front.bytes().begin(), front.bytes().end(), to);
    to[0] = 0x84;
    std::copy(key_and_tag.begin(), key_and_tag.end(), to + front.bytes().size());
    std::copy(head.begin(), head.end(), to + start);
    std::size_t done = head.size();
    while (done < size) {
        if (context.cancelled()) return cancelled_error("read_bytes");
        const std::size_t wanted = std::min<std::size_t>(static_cast<std::size_t>(size) - done, 4 << 20);
        const std::size_t got = SYMPHONY_TRY(open.read(buffer.writable().subspan(start + done, wanted)));
        done += got;
        if (got < wanted) break;
    }
    if (done < size) {
        return Error(Code::io, "changed", "became shorter while it was read: " + std::to_string(done) + " of " + std::to_string(size) + " bytes",
                     "run again when nothing changes the file");
    }
    for (std::size_t i = 0; i < length_bytes; ++i) to[start - 1 - i] = static_cast<std::uint8_t>(size >> (8 * i));
    return Value::unchecked(std::move(buffer));
}

} // namespace

Result<Value> read(ValueView input, const Context& context) {
    const Inputs inputs = SYMPHONY_TRY(Inputs::of("read", input, {"file", "max_file_bytes"}));
    const FileRef file = SYMPHONY_TRY(file_ref(inputs, "input \"file\"", SYMPHONY_TRY(inputs.any("file"))));
    const std::uint64_t bytes_max = SYMPHONY_TRY(inputs.integer_or("max_file_bytes", file_bytes_default, 0, file_bytes_max));
    const auto text = read_text(file, bytes_max, context);
    if (!text) return about(inputs, file, text.error());
    ValueBuilder out;
    write_text(out, file, *text);
    return out.build();
}

Result<Value> read_all(ValueView input, const Context& context) {
    const Inputs inputs = SYMPHONY_TRY(Inputs::of("read_all", input, {"files", "max_file_bytes", "max_total_bytes"}));
    const ValueView list = SYMPHONY_TRY(inputs.need("files", symphony::Kind::list));
    const std::uint64_t bytes_max = SYMPHONY_TRY(inputs.integer_or("max_file_bytes", file_bytes_default, 0, file_bytes_max));
    const std::uint64_t total_max = SYMPHONY_TRY(inputs.integer_or("max_total_bytes", total_bytes_default, 0, total_bytes_max));

    Problems problems;
    ValueBuilder out;
    out.map(5).key("texts").list(list.size());
    std::uint64_t total = 0;
    std::uint64_t texts = 0;
    std::size_t index = 0;
    bool truncated = false;
    for (const ValueView item : list.items()) {
        if (context.cancelled()) return cancelled_error("read_all");
        context.progress(static_cast<std::uint32_t>(index * 1000 / list.size()), std::to_string(index) + " of " + std::to_string(list.size()) + " files");
        const FileRef file = SYMPHONY_TRY(file_ref(inputs, "input \"files\": item " + std::to_string(index++), item));
        const std::uint64_t left = total_max - total;
        const auto text = read_text(file, std::min(bytes_max, left), context);
        if (!text) {
            if (text.error().code() == Code::cancelled) return cancelled_error("read_all");
            const bool over_total = text.error().reason() == "too-large" && left < bytes_max;
            truncated = truncated || over_total;
            if (over_total) problems.add({file.path, "warning", "over-total", "does not fit into max_total_bytes " + std::to_string(total_max), "raise max_total_bytes"});
            else problems.add(file.path, text.error());
            continue;
        }
        total += text->size;
        ++texts;
        write_text(out, file, *text);
    }
    out.end();
    problems.write(out);
    return out.add("count", texts).add("total_bytes", total).add("truncated", truncated || problems.truncated()).end().build();
}

Result<Value> read_bytes(ValueView input, const Context& context) {
    const Inputs inputs = SYMPHONY_TRY(Inputs::of("read_bytes", input, {"file", "max_file_bytes"}));
    const FileRef file = SYMPHONY_TRY(file_ref(inputs, "input \"file\"", SYMPHONY_TRY(inputs.any("file"))));
    const std::uint64_t bytes_max = SYMPHONY_TRY(inputs.integer_or("max_file_bytes", file_bytes_default, 0, file_bytes_max));
    auto value = bytes_value(file, bytes_max, context);
    if (!value) return about(inputs, file, value.error());
    return value;
}

} // namespace files

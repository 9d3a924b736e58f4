// SPDX-License-Identifier: Apache-2.0
#include <symphony/envelope/greeting.hpp>

#include <symphony/wire.hpp>

#include <algorithm>

namespace symphony::ipc {
namespace {

constexpr std::uint32_t magic = 0x474D5953; // the bytes "SYMG"
constexpr std::size_t codec_name_bytes_max = 63;

Error bad(Code code, std::string what) { return {code, "bad-greeting", "greeting: " + std::move(what)}; }

/// What both who writes and who reads insists on.
Status check(const Greeting& greeting, Code code) {
    if (greeting.name.size() > name_bytes_max) return bad(code, "the name is longer than 255 bytes");
    if (greeting.versions.empty() || greeting.versions.size() > greeting_items_max) return bad(code, "there are not 1 to 16 versions");
    if (greeting.codecs.empty() || greeting.codecs.size() > greeting_items_max) return bad(code, "there are not 1 to 16 codecs");
    for (std::size_t i = 0; i < greeting.versions.size(); ++i) {
        for (std::size_t k = 0; k < i; ++k) {
            if (greeting.versions[i].major == greeting.versions[k].major) return bad(code, "major " + std::to_string(greeting.versions[i].major) + " is there twice");
        }
    }
    for (std::size_t i = 0; i < greeting.codecs.size(); ++i) {
        const std::string& codec = greeting.codecs[i];
        if (codec.empty() || codec.size() > codec_name_bytes_max) return bad(code, "a codec's name does not have 1 to 63 bytes");
        if (std::count(greeting.codecs.begin(), greeting.codecs.begin() + static_cast<std::ptrdiff_t>(i), codec) != 0) return bad(code, "codec \"" + codec + "\" is there twice");
    }
    return {};
}

std::string list_of(const Greeting& greeting) {
    std::string out;
    for (const Version version : greeting.versions) out += (out.empty() ? "" : ", ") + to_text(version);
    return out;
}
std::string codecs_of(const Greeting& greeting) {
    std::string out;
    for (const std::string& codec : greeting.codecs) out += (out.empty() ? "" : ", ") + codec;
    return out;
}

} // namespace

Status write(OutBuffer& to, const Greeting& greeting) {
    if (auto status = check(greeting, Code::invalid_argument); !status) return status;
    for (const std::string& codec : greeting.codecs) {
        if (!is_valid_utf8(codec)) return bad(Code::invalid_argument, "a codec's name is not UTF-8");
    }
    if (!is_valid_utf8(greeting.name)) return bad(Code::invalid_argument, "the name is not UTF-8");
    WireWriter writer;
    writer.scalar(magic);
    const std::size_t start = writer.begin_record();
    writer.string(greeting.name);
    writer.count(greeting.versions.size());
    for (const Version version : greeting.versions) {
        writer.scalar(version.major);
        writer.scalar(version.minor);
    }
    Wire<std::vector<std::string>>::write(writer, greeting.codecs);
    writer.scalar(greeting.envelope_bytes_max);
    writer.end_record(start);
    to.append(writer.bytes());
    return {};
}

Result<Greeting> read_greeting(Bytes from) {
    if (from.size() > greeting_bytes_max) return bad(Code::data_corrupt, "it has " + std::to_string(from.size()) + " bytes, more than 4096");
    WireReader reader(from, WireKeep::own);
    if (reader.scalar<std::uint32_t>() != magic) {
        return Error(Code::data_corrupt, "not-symphony", "greeting: it does not begin with \"SYMG\"; whoever speaks there is not Symphony");
    }
    Greeting out;
    const std::uint8_t* const outer = reader.enter();
    out.name = reader.string();
    out.versions.clear();
    for (std::uint32_t n = reader.count(4); n > 0; --n) {
        const auto major = reader.scalar<std::uint16_t>();
        out.versions.push_back({major, reader.scalar<std::uint16_t>()});
    }
    out.codecs.clear();
    Wire<std::vector<std::string>>::read(reader, out.codecs);
    out.envelope_bytes_max = reader.scalar<std::uint64_t>();
    reader.leave(outer);
    reader.finish();
    if (auto status = reader.status(); !status) return bad(Code::data_corrupt, std::move(status).error().message());
    if (auto status = check(out, Code::data_corrupt); !status) return std::move(status).error();
    return out;
}

Result<Agreement> agree(const Greeting& connecting, const Greeting& listening) {
    Agreement out;
    bool found = false;
    for (const Version ours : connecting.versions) {
        for (const Version theirs : listening.versions) {
            if (ours.major != theirs.major || (found && ours.major < out.version.major)) continue;
            out.version = std::min(ours, theirs);
            found = true;
        }
    }
    if (!found) {
        return Error(Code::unsupported, "no-common-version",
                     "\"" + connecting.name + "\" speaks version " + list_of(connecting) + ", \"" + listening.name + "\" version " + list_of(listening),
                     "update the older of the two");
    }
    for (const std::string& codec : connecting.codecs) {
        if (std::find(listening.codecs.begin(), listening.codecs.end(), codec) == listening.codecs.end()) continue;
        out.codec = codec;
        out.envelope_bytes_max = std::min(connecting.envelope_bytes_max, listening.envelope_bytes_max);
        return out;
    }
    return Error(Code::unsupported, "no-common-codec",
                 "\"" + connecting.name + "\" has the codecs " + codecs_of(connecting) + ", \"" + listening.name + "\" has " + codecs_of(listening),
                 "install a codec plugin that both can use");
}

} // namespace symphony::ipc

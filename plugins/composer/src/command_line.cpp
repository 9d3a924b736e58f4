// SPDX-License-Identifier: Apache-2.0
#include "command_line.hpp"

#include <symphony/utf8.hpp>

#include <algorithm>

namespace symphony::composer {
namespace fs = std::filesystem;

namespace {

constexpr std::size_t emit_bytes_max = 1u << 20u;

} // namespace

Error usage(std::string message, std::string hint) { return {Code::invalid_argument, "usage", std::move(message), std::move(hint)}; }

std::string shown(std::string_view text) {
    std::string out(text.substr(0, 200));
    out.resize(valid_utf8_prefix(out));
    for (char& c : out) {
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = '?';
    }
    return out;
}

std::pair<std::uint32_t, std::uint32_t> CommandLine::abi() const noexcept {
    const symphony_host* host = host_.context() == nullptr ? nullptr : host_.context()->host();
    if (host == nullptr) return {SYMPHONY_ABI_MAJOR, SYMPHONY_ABI_MINOR};
    return {host->abi_major, host->abi_minor};
}

std::vector<std::string> CommandLine::texts(std::string_view name) const {
    std::vector<std::string> out;
    const ValueView value = arguments_[name];
    if (value.is_text()) out.emplace_back(value.as_text());
    if (value.is_list()) {
        for (const ValueView item : value.items()) out.emplace_back(item.as_text());
    }
    return out;
}

fs::path CommandLine::path(std::string_view typed) const { return (fs::path(context_.cwd) / typed).lexically_normal(); }

packaging::LockMode CommandLine::lock_mode() const {
    packaging::LockMode mode;
    mode.locked = on("locked") || on("frozen");
    mode.offline = on("offline") || on("frozen");
    mode.minimal = on("minimal");
    mode.update = on("update");
    return mode;
}

void CommandLine::emit(std::uint8_t stream, std::string text) const {
    for (std::size_t at = 0; at < text.size(); at += emit_bytes_max) {
        ports::CommandOutput output;
        output.stream = stream;
        output.text = Buffer::copy(std::string_view(text).substr(at, emit_bytes_max));
        call_.emit(output);
    }
}

void CommandLine::out(std::string_view line) const {
    if (!json()) emit(ports::CommandStream::out, std::string(line) + "\n");
}

void CommandLine::err(std::string_view line) const {
    if (!json()) emit(ports::CommandStream::err, std::string(line) + "\n");
}

void CommandLine::json(Data data) const {
    if (json()) emit(ports::CommandStream::out, to_json(data) + "\n");
}

packaging::Progress CommandLine::progress(std::string what) const {
    return [this, what = std::move(what)](std::uint64_t done, std::uint64_t total) {
        call_.progress(static_cast<std::uint32_t>(total == 0 ? 1000 : std::min<std::uint64_t>(1000, done * 1000 / total)), what);
        return !call_.cancelled();
    };
}

std::int32_t CommandLine::report(const std::vector<manifests::Diagnostic>& problems) const {
    Data::List list;
    for (const auto& one : problems) {
        list.emplace_back(Data::Map{{"reason", one.reason}, {"message", one.message}, {"hint", one.hint}, {"file", shown(one.file)}, {"line", static_cast<std::int64_t>(one.line)}, {"column", static_cast<std::int64_t>(one.column)}});
        err(format(one));
        if (!one.hint.empty()) err("hint: " + one.hint);
    }
    json(Data::Map{{"ok", false}, {"problems", std::move(list)}});
    return 1;
}

} // namespace symphony::composer

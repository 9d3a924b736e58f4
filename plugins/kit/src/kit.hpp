// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/about.hpp>
#include <symphony/manifests/data.hpp>
#include <symphony/ports/command.hpp>

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace symphony::kit {

using manifests::Data;

/// One command that a person typed, with where its output goes.
struct Typed {
    Call& call;
    const Value& arguments;
    const ports::CommandContext& context;
    About host;
    Host services;

    bool json() const noexcept { return context.json; }
    std::string text(std::string_view name, std::string_view otherwise = {}) const { return std::string(arguments[name].as_text(otherwise)); }
    std::vector<std::string> texts(std::string_view name) const;
    bool given(std::string_view name) const { return arguments[name].exists(); }
    bool on(std::string_view name) const { return arguments[name].as_bool(false); }
    /// @return `invalid_argument`, reason "usage", when it is no number from `low` to `high`.
    Result<std::uint64_t> number(std::string_view name, std::uint64_t otherwise, std::uint64_t low, std::uint64_t high) const;
    /// As the person means it: relative to where it was typed.
    std::filesystem::path path(std::string_view text) const { return (std::filesystem::path(context.cwd) / text).lexically_normal(); }

    /// Data, as it is.
    void out(std::string_view text) const { print(ports::CommandStream::out, text); }
    /// For people, as it is.
    void err(std::string_view text) const { print(ports::CommandStream::err, text); }
    /// A line of data, unless the answer is JSON.
    void line(std::string_view text) const;
    /// A line for people.
    void note(std::string_view text) const { err(std::string(text) + "\n"); }
    /// The answer, when it is to be JSON.
    void answer(const Data& data) const;

private:
    void print(std::uint8_t stream, std::string_view text) const { call.emit(ports::CommandOutput{stream, Buffer::copy(text)}); }
};

Error usage(std::string message, std::string hint = {});
/// For a terminal: at most 200 bytes, without control characters.
std::string shown(std::string_view text);

Result<std::int32_t> new_command(const Typed& typed);
Result<std::int32_t> test_command(const Typed& typed);
Result<std::int32_t> conformance_command(const Typed& typed);
Result<std::int32_t> dev_command(const Typed& typed);
Result<std::int32_t> pack_command(const Typed& typed);
Result<std::int32_t> sign_command(const Typed& typed);
Result<std::int32_t> publish_command(const Typed& typed);
Result<std::int32_t> key_make_command(const Typed& typed);
Result<std::int32_t> key_show_command(const Typed& typed);
Result<std::int32_t> registry_create_command(const Typed& typed);
Result<std::int32_t> registry_show_command(const Typed& typed);
Result<std::int32_t> registry_sign_command(const Typed& typed);
Result<std::int32_t> registry_yank_command(const Typed& typed);
Result<std::int32_t> registry_advise_command(const Typed& typed);
Result<std::int32_t> registry_rotate_command(const Typed& typed);

/// The plugin: commands for authors. It starts compilers, so it works in the host's process only.
class Kit final : public ports::Command {
public:
    explicit Kit(Host host) : host_(host) {}
    /// @return `unsupported` with reason `isolated` in a sandbox, `not_found` with reason `unknown-command`, or what the command says.
    Result<std::int32_t> run(Call& call, std::string_view command, const Value& arguments, const ports::CommandContext& context) override;

private:
    Host host_;
};

} // namespace symphony::kit

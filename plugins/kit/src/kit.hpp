// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/about.hpp>
#include <symphony/ports/command.hpp>

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace symphony::kit {

/// One command that a person typed, with where its output goes.
struct Typed {
    Call& call;
    const Value& arguments;
    const ports::CommandContext& context;
    About host;

    std::string text(std::string_view name, std::string_view otherwise = {}) const { return std::string(arguments[name].as_text(otherwise)); }
    bool given(std::string_view name) const { return arguments[name].exists(); }
    /// As the person means it: relative to where it was typed.
    std::filesystem::path path(std::string_view text) const { return (std::filesystem::path(context.cwd) / text).lexically_normal(); }
    void out(std::string_view text) const { print(ports::CommandStream::out, text); }
    void err(std::string_view text) const { print(ports::CommandStream::err, text); }

private:
    void print(std::uint8_t stream, std::string_view text) const { call.emit(ports::CommandOutput{stream, Buffer::copy(text)}); }
};

Result<std::int32_t> new_command(const Typed& typed);
Result<std::int32_t> test_command(const Typed& typed);
Result<std::int32_t> conformance_command(const Typed& typed);

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

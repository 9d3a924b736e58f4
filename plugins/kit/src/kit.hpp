// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/about.hpp>
#include <symphony/command_line.hpp>
#include <symphony/manifests/data.hpp>

#include <string_view>
#include <utility>

namespace symphony::kit {

using manifests::Data;

/// One command of the kit, and the host that it was typed for.
class Typed : public CommandLine {
public:
    Typed(const CommandLine& line, About about) : CommandLine(line), about_(std::move(about)) {}
    const About& about() const noexcept { return about_; }

private:
    About about_;
};

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

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "service.hpp"

#include <symphony/ports/command.hpp>
#include <symphony/ports/operator.hpp>

namespace symphony::store {

/// The plugin: the port and the operators over its own store, and the commands over any.
class ArtifactStorePlugin final : public Service, public ports::Command, public ports::Operator {
public:
    explicit ArtifactStorePlugin(Host host) : Service(host), host_(host) {}

    Result<std::int32_t> run(Call& call, std::string_view command, const Value& arguments, const ports::CommandContext& context) override;
    Result<Value> apply(Call& call, std::string_view operation, const Value& input) override;

private:
    Host host_;
};

} // namespace symphony::store

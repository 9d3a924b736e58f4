// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/manifests/types.hpp>
#include <symphony/value.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace symphony::tracker {

using manifests::Type;

struct PortSpec {
    std::string name;
    Type type;
};

struct OperationSpec {
    std::string name;
    std::vector<PortSpec> inputs;
    std::vector<PortSpec> outputs;
    bool pure = false;

    const PortSpec* input(std::string_view port) const noexcept;
    const PortSpec* output(std::string_view port) const noexcept;
};

/// One plugin that serves one of the two ports a node can call.
struct Provider {
    std::string id;
    std::string name;
    std::string version;
    std::string sha256;   ///< of its library, hexadecimal; "" when it has none for this machine
    std::string abi;      ///< "1.0", that its manifest asks for
    std::string permissions;  ///< digest of the rights that its manifest asks for
    std::vector<std::pair<std::string, std::string>> configuration;  ///< key and digest of its value, or "secret"; by key
    std::string refusal;  ///< why it may not run, when it is not usable
    std::string remedy;   ///< what helps then, or ""
    bool instrument = false;
    bool blocking = false;
    bool concurrent = false;
    bool usable = true;
    bool typed = true;    ///< the list came with its operations
    std::vector<OperationSpec> operations;

    const OperationSpec* operation(std::string_view operation) const noexcept;
};

/// What nodes can call, from manifests alone. Const methods may be called concurrently.
class Catalogue {
public:
    /// Adds the providers of a port from the host's list (ports.h: `list`), each with `operations`:
    /// a list of {name, pure, inputs: {port: type}, outputs: {port: type}}. A type nobody can read counts as `any`.
    void add(bool instrument, ValueView list);
    void add(Provider provider) { providers_.push_back(std::move(provider)); }

    /// By id or short name. Null when there is none.
    const Provider* find(bool instrument, std::string_view plugin) const noexcept;
    const std::vector<Provider>& providers() const noexcept { return providers_; }

private:
    std::vector<Provider> providers_;
};

} // namespace symphony::tracker

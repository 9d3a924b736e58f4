// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "instance.hpp"

namespace symphony::host {

/// The answer of symphony_host_ports.list, from manifests alone.
Value port_list(const PluginSource& source, std::string_view port, const InstanceHost& host,
                const std::function<std::optional<Error>(std::size_t)>& refusal);

} // namespace symphony::host

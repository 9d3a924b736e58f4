// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "catalog.hpp"

#include <symphony/result.hpp>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace symphony::host {

struct ResolveOptions {
    std::uint16_t abi_major = SYMPHONY_ABI_MAJOR;
    std::uint16_t abi_minor = SYMPHONY_ABI_MINOR;
    /// Plugins that are switched off: refused as `disabled`, and no choice for others. Empty: none.
    std::function<bool(const Entry& plugin)> disabled;
    /// Why a version waits for somebody's consent; until then an older one serves. Asked last. Empty: none waits.
    std::function<std::optional<Error>(Catalog::Ref ref, const Entry& plugin)> held_back;
};

/// Which plugins can be used together, and why the others cannot.
struct Resolution {
    struct Refused {
        Catalog::Ref plugin;
        Error error; // code `refused` or `abi_mismatch`; the reason says which rule
    };
    std::vector<Catalog::Ref> order;      // usable: whoever is needed comes before who needs it
    std::vector<Refused> refused;         // in catalog order
    std::vector<Catalog::Ref> superseded; // fine, but another version of the same plugin is used
};

/// Chooses one version of each plugin, the highest that suits most of those that need it, then refuses what lacks
/// something and whatever stands on it. What is left always fits together. Equal catalogs give equal answers.
///
/// Reasons: `manifest-invalid` or the manifest's own single reason, `duplicate-id`, `disabled`, `consent-needed`, `abi-major`, `abi-minor`,
/// `host-version`, `missing-dependency`, `version-conflict`, `missing-provider`, `needs-refused`, `exclusive-port`,
/// `cycle`.
Resolution resolve(const Catalog& catalog, const ResolveOptions& options = {});

} // namespace symphony::host
